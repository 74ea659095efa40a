import type { JSX, TargetedEvent } from 'preact';

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
    <fieldset ref={list} class="choices">
      <legend>{projects.length > 1 ? 'Of the projects' : 'Of the project'}</legend>
      {!allProjects &&
        projects.map((project, index) => (
          <ProjectRow
            key={index}
            project={project}
            isRefused={index === wrong}
            onChange={(id) => onChange({ projects: projects.with(index, { ...project, id }) })}
            onRemove={projects.length > 1 ? () => remove(index) : undefined}
          />
        ))}
      {refused && <small class="fault">{refused.text}</small>}
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
  isRefused,
  onChange,
  onRemove,
}: {
  project: DraftProject;
  isRefused: boolean;
  onChange: (id: string) => void;
  /** Undefined for the only one. */
  onRemove: (() => void) | undefined;
}): JSX.Element {
  return (
    <div class={isRefused ? 'matcher wrong' : 'matcher'}>
      <input
        type="text"
        aria-label="Project"
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
