import type { JSX, TargetedEvent } from 'preact';

import type { RefusedField } from '../requests/refused-field.js';
import type { SilenceDraft } from './silence-draft.js';

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
  return (
    <fieldset class="choices">
      <legend>{projects.length > 1 ? 'Of the projects' : 'Of the project'}</legend>
      {!allProjects &&
        projects.map((project, index) => (
          <ProjectRow
            key={index}
            project={project}
            isRefused={index === refused?.index}
            onChange={(next) => onChange({ projects: projects.with(index, next) })}
            onRemove={projects.length > 1 ? () => onChange({ projects: projects.toSpliced(index, 1) }) : undefined}
          />
        ))}
      {refused && <small class="fault">{refused.text}</small>}
      {!allProjects && projects.length < MOST_PROJECTS && (
        <div>
          <button type="button" onClick={() => onChange({ projects: [...projects, ''] })}>
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
  project,
  isRefused,
  onChange,
  onRemove,
}: {
  project: string;
  isRefused: boolean;
  onChange: (project: string) => void;
  /** Undefined for the only one. */
  onRemove: (() => void) | undefined;
}): JSX.Element {
  return (
    <div class={isRefused ? 'matcher wrong' : 'matcher'}>
      <input
        type="text"
        aria-label="Project"
        value={project}
        placeholder={onRemove ? 'id of a project' : 'empty: alarms that belong to no project'}
        maxLength={128}
        spellcheck={false}
        onInput={(event: TargetedEvent<HTMLInputElement>) => onChange(event.currentTarget.value)}
      />
      {onRemove && (
        <button type="button" aria-label="Remove this project" onClick={onRemove}>
          ✕
        </button>
      )}
    </div>
  );
}
