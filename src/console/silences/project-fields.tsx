import type { JSX, TargetedEvent } from 'preact';
import { useId } from 'preact/hooks';

import { Fault } from '../elements/fault.js';
import type { InputMarks } from '../elements/fields.js';
import { useRowFocus } from '../elements/row-focus.js';
import type { RefusedField } from '../requests/refused-field.js';
import { sentRows, type DraftProject, type SilenceDraft } from './silence-draft.js';

const MOST_PROJECTS = 100;

/** The projects whose alarms are held. Shown to admins of all projects. */
export function ProjectFields({
  draft: { projects, allProjects },
  fault,
  onChange,
}: {
  draft: SilenceDraft;
  fault: RefusedField | undefined;
  onChange: (changes: Partial<SilenceDraft>) => void;
}): JSX.Element {
  const refused = fault?.field === 'project_ids' ? fault : undefined;
  const faultId = useId();
  const wrong = refused?.index === undefined ? undefined : sentRows(projects)[refused.index];
  const { list, onAdd, onRemove } = useRowFocus<HTMLFieldSetElement>(':scope > .matcher', ':scope > .add button');
  const add = (): void => {
    onAdd();
    onChange({ projects: [...projects, { id: '', isAdded: true }] });
  };
  const remove = (index: number): void => {
    onRemove(index);
    onChange({ projects: projects.toSpliced(index, 1) });
  };
  return (
    <fieldset ref={list} class="choices" aria-describedby={refused && wrong === undefined ? faultId : undefined}>
      <legend>{projects.length > 1 ? 'Of the projects' : 'Of the project'}</legend>
      {!allProjects &&
        projects.map((project, index) => (
          <ProjectRow
            key={index}
            project={project}
            marks={index === wrong ? { 'aria-invalid': true, 'aria-describedby': faultId } : {}}
            onChange={(id) => onChange({ projects: projects.with(index, { ...project, id }) })}
            onRemove={projects.length > 1 ? () => remove(index) : undefined}
          />
        ))}
      <Fault id={faultId} text={refused?.text} />
      {!allProjects && projects.length < MOST_PROJECTS && (
        <div class="add">
          <button type="button" onClick={add}>
            Add a project
          </button>
        </div>
      )}
      <label class="check">
        <input
          type="checkbox"
          checked={allProjects}
          onChange={(event: TargetedEvent<HTMLInputElement>) => onChange({ allProjects: event.currentTarget.checked })}
        />
        of all projects
      </label>
    </fieldset>
  );
}

function ProjectRow({
  project: { id, isAdded },
  marks,
  onChange,
  onRemove,
}: {
  project: DraftProject;
  marks: InputMarks;
  onChange: (id: string) => void;
  /** Undefined for the only one. */
  onRemove: (() => void) | undefined;
}): JSX.Element {
  return (
    <div class={marks['aria-invalid'] ? 'matcher wrong' : 'matcher'}>
      <input
        type="text"
        aria-label="Project"
        {...marks}
        value={id}
        placeholder={isAdded && onRemove ? 'id of a project' : 'empty: alarms that belong to no project'}
        maxLength={128}
        spellcheck={false}
        onInput={(event: TargetedEvent<HTMLInputElement>) => onChange(event.currentTarget.value)}
      />
      {onRemove && (
        <button type="button" class="remove" aria-label="Remove this project" onClick={onRemove}>
          ✕
        </button>
      )}
    </div>
  );
}
