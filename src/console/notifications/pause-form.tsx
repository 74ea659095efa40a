import type { JSX, TargetedEvent } from 'preact';
import { useState } from 'preact/hooks';

import { Dialog } from '../elements/dialog.js';
import { Choice, Field } from '../elements/fields.js';
import { missingText, useMandatory } from '../elements/mandatory.js';
import { MomentField } from '../elements/moment-field.js';
import { ALL_PROJECTS } from '../elements/pauses.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { usePageUser } from '../requests/page-user.js';
import { serviceTime } from '../shell/clock.js';

const HOUR_MS = 3_600_000;
/** Hours from now, and other ends. */
const ENDS = [
  ['1', 'in 1 hour'],
  ['4', 'in 4 hours'],
  ['12', 'in 12 hours'],
  ['at', 'at …'],
] as const;

/** Pauses deliveries of a project or of all, or changes the end and the reason of a pause. */
export function PauseForm({
  pause,
  onChange,
  onClose,
}: {
  /** The pause to change; undefined for a new one. */
  pause?: Schemas['DeliveryPause'];
  onChange: () => void;
  onClose: () => void;
}): JSX.Element {
  const { hasAllProjects, project_id: own } = usePageUser();
  const [given, setGiven] = useState(() => fieldsOf(pause, own));
  const change = (changes: Partial<PauseFields>): void => setGiven((before) => ({ ...before, ...changes }));
  const { project, reason, end, endsAt } = given;
  const mandatory = useMandatory(
    missingText('project', project) ?? missingText('ends_at', end === 'at' ? endsAt : 'another end'),
  );
  const faultOf = (field: string): string | undefined =>
    mandatory.fault?.field === field ? mandatory.fault.text : undefined;
  const act = async (): Promise<void> => {
    const body = { ends_at: endOf(given), reason: reason.trim() || null };
    mandatory.check();
    await bodyOf(client.PUT('/v1/delivery-pauses/{project}', { params: { path: { project } }, body }));
    onChange();
  };
  return (
    <Dialog {...(pause === undefined ? TITLES.begin : TITLES.change)} act={act} onClose={onClose}>
      <p>
        Alarms are evaluated and change their states as always; their notifications wait. At the end of all their pauses
        the present states are sent.
      </p>
      {pause === undefined && hasAllProjects ? (
        <ProjectFields project={project} fault={faultOf('project')} onChange={(named) => change({ project: named })} />
      ) : (
        <p>Project: {project === ALL_PROJECTS ? 'all' : project}</p>
      )}
      <Choice
        label="Ends"
        value={end}
        options={ENDS}
        any="when it is resumed"
        onChange={(chosen) => change({ end: chosen })}
      />
      {end === 'at' && (
        <MomentField
          label="End"
          value={endsAt}
          fault={faultOf('ends_at')}
          isRequired
          onChange={(moment) => change({ endsAt: moment })}
        />
      )}
      <Field label="Reason" hint="All who see the pause can read it.">
        <input
          type="text"
          value={reason}
          maxLength={255}
          onInput={(event: TargetedEvent<HTMLInputElement>) => change({ reason: event.currentTarget.value })}
        />
      </Field>
    </Dialog>
  );
}

const TITLES = {
  begin: { title: 'Pause deliveries?', action: 'Pause' },
  change: { title: 'Change the pause', action: 'Save' },
} as const;

interface PauseFields {
  project: string;
  reason: string;
  /** Hours from now, or `at`; undefined: the pause lasts until it is resumed. */
  end: string | undefined;
  endsAt: string | undefined;
}

function fieldsOf(pause: Schemas['DeliveryPause'] | undefined, own: string | null): PauseFields {
  if (pause === undefined) return { project: own ?? '', reason: '', end: '1', endsAt: undefined };
  const { project_id: project, reason, ends_at } = pause;
  return {
    project,
    reason: reason ?? '',
    end: ends_at === null ? undefined : 'at',
    endsAt: ends_at ?? undefined,
  };
}

function ProjectFields({
  project,
  fault,
  onChange,
}: {
  project: string;
  fault: string | undefined;
  onChange: (project: string) => void;
}): JSX.Element {
  const isAll = project === ALL_PROJECTS;
  return (
    <>
      <label class="inline">
        <input
          type="checkbox"
          checked={isAll}
          onChange={(event: TargetedEvent<HTMLInputElement>) =>
            onChange(event.currentTarget.checked ? ALL_PROJECTS : '')
          }
        />
        All projects
      </label>
      {!isAll && (
        <Field label="Project id" fault={fault} isRequired>
          <input
            type="text"
            value={project}
            aria-required="true"
            maxLength={128}
            spellcheck={false}
            onInput={(event: TargetedEvent<HTMLInputElement>) => onChange(event.currentTarget.value.trim())}
          />
        </Field>
      )}
    </>
  );
}

/** By the time of the service, whose clock ends the pause. */
function endOf({ end, endsAt }: PauseFields): string | null {
  if (end === undefined) return null;
  if (end === 'at') return endsAt ?? null;
  return new Date(serviceTime().getTime() + Number(end) * HOUR_MS).toISOString();
}
