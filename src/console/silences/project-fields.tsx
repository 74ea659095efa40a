import type { JSX, TargetedEvent } from 'preact';

import { Field } from '../elements/fields.js';
import type { RefusedField } from '../requests/refused-field.js';
import type { SilenceDraft } from './silence-draft.js';

/** The project whose alarms are held. Shown to admins of all projects. */
export function ProjectFields({
  draft: { project, allProjects },
  fault,
  onChange,
}: {
  draft: SilenceDraft;
  fault: RefusedField | undefined;
  onChange: (changes: Partial<SilenceDraft>) => void;
}): JSX.Element {
  return (
    <>
      <Field
        label="Of project"
        hint={allProjects ? undefined : 'empty: alarms that belong to no project'}
        fault={fault?.field === 'project_id' ? fault.text : undefined}
      >
        <input
          type="text"
          value={allProjects ? '' : project}
          disabled={allProjects}
          maxLength={128}
          spellcheck={false}
          onInput={(event: TargetedEvent<HTMLInputElement>) => onChange({ project: event.currentTarget.value })}
        />
      </Field>
      <label class="check">
        <input
          type="checkbox"
          checked={allProjects}
          onChange={(event: TargetedEvent<HTMLInputElement>) => onChange({ allProjects: event.currentTarget.checked })}
        />
        of all projects
      </label>
    </>
  );
}
