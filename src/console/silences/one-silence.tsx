import type { JSX } from 'preact';

import { OneObject } from '../elements/one-object.js';
import { SilencePreview, useSilencePreview } from '../elements/silence-preview.js';
import { matchersText } from '../elements/silence-words.js';
import { Time } from '../elements/time.js';
import type { Schemas } from '../requests/client.js';
import { useLive } from '../requests/live.js';
import { readSilence } from '../requests/silence-version.js';
import { useAnswer } from '../requests/use-answer.js';
import type { ViewProps } from '../shell/view.js';
import { SilenceForm } from './silence-form.js';
import { useMatchedNames } from './silence-list.js';
import { SilenceButtons } from './silence-table.js';
import { openingText } from './silence-times.js';

type SilenceWithChanges = Schemas['SilenceWithChanges'];

/** One silence: its matchers, times, reason and owner, and its changes with their users. */
export function OneSilence({ address, id }: ViewProps & { id: string }): JSX.Element {
  const answer = useAnswer(`${id} ${address.query.toString()}`, (signal) => readSilence(id, signal));
  useLive({ events: ['silence'] }, answer.again);
  const names = useMatchedNames(answer.value ? [answer.value.silence] : undefined);
  if (address.query.has('edit')) return <SilenceForm address={address} changed={id} />;
  return (
    <OneObject list={{ view: 'silences', name: 'Silences' }} what="silence" answer={answer}>
      {({ silence }) => <Details silence={silence} names={names} onChange={answer.again} />}
    </OneObject>
  );
}

function Details({
  silence,
  names,
  onChange,
}: {
  silence: SilenceWithChanges;
  names: ReadonlyMap<string, string>;
  onChange: () => void;
}): JSX.Element {
  return (
    <>
      <div class="heading">
        <h1 id="title">{matchersText(silence.matchers, names)}</h1>
        <span class="tag">{silence.status}</span>
        <SilenceButtons silence={silence} names={names} onChange={onChange} />
      </div>
      <div class="panel">
        <Facts silence={silence} />
      </div>
      {silence.status !== 'ended' && <Held silence={silence} />}
      <section class="panel" aria-label="Changes">
        <h2>Changes</h2>
        <ol class="timeline">
          {silence.changes.toReversed().map(({ kind, at, user_id, project_id, changed }, index) => (
            <li key={index}>
              <Time at={at} /> {kind} by {user_id ?? 'an unknown user'}
              {project_id !== null && silence.project_ids?.join() !== project_id && ` of project ${project_id}`}
              {changed.length > 0 && `: ${changed.join(', ')}`}
            </li>
          ))}
        </ol>
      </section>
    </>
  );
}

/** The alarms that the silence holds in its openings. */
function Held({ silence }: { silence: SilenceWithChanges }): JSX.Element {
  const { matchers, project_ids, all_projects, reason, owner } = silence;
  const preview = useSilencePreview({ matchers, project_ids, all_projects, reason, owner });
  return (
    <section class="panel" aria-label="Alarms">
      <h2>Alarms</h2>
      <SilencePreview answer={preview} />
    </section>
  );
}

function Facts({ silence }: { silence: SilenceWithChanges }): JSX.Element {
  const { opening, status, recurrence, starts_at, ends_at, ended_at, reason, owner } = silence;
  return (
    <dl class="facts">
      <dt>Reason</dt>
      <dd>{reason}</dd>
      <dt>Owner</dt>
      <dd>{owner}</dd>
      {opening && (
        <>
          <dt>{status === 'active' ? 'Holds until' : 'Next opening'}</dt>
          <dd>
            {status === 'planned' && (
              <>
                <Time at={opening.starts_at} /> to{' '}
              </>
            )}
            <Time at={opening.ends_at} />
          </dd>
        </>
      )}
      {recurrence && (
        <>
          <dt>Recurs</dt>
          <dd>{openingText(recurrence)}</dd>
        </>
      )}
      <dt>From</dt>
      <dd>
        <Time at={starts_at} />
      </dd>
      <dt>{ended_at === null ? 'To' : 'Ended'}</dt>
      <dd>{(ended_at ?? ends_at) === null ? 'no end' : <Time at={(ended_at ?? ends_at) as string} />}</dd>
      <ProjectFacts silence={silence} />
    </dl>
  );
}

function ProjectFacts({ silence: { project_ids, all_projects } }: { silence: SilenceWithChanges }): JSX.Element {
  const named = (project_ids ?? []).map((project) => project || 'none');
  return (
    <>
      <dt>{named.length > 1 ? 'Projects' : 'Project'}</dt>
      <dd>{all_projects ? 'all projects' : named.join(', ')}</dd>
    </>
  );
}
