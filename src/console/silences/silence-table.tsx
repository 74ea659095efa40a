import type { JSX } from 'preact';

import { Cell } from '../elements/cell.js';
import { EndSilence } from '../elements/end-silence.js';
import { matchersText, type ShownSilence } from '../elements/silence-words.js';
import { Time } from '../elements/time.js';
import { usePageUser } from '../requests/page-user.js';
import { linkTo } from '../shell/address.js';
import { openingText } from './silence-times.js';

/** Silences as a table; on narrow screens each row is a card. */
export function SilenceTable({
  silences,
  names,
  onChange,
}: {
  silences: readonly ShownSilence[];
  /** Names of alarms by their ids. */
  names: ReadonlyMap<string, string>;
  onChange: () => void;
}): JSX.Element {
  const { isWriter, hasAllProjects } = usePageUser();
  return (
    <div class="scroll">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Holds</th>
            {hasAllProjects && <th scope="col">Project</th>}
            <th scope="col">Reason</th>
            <th scope="col">Owner</th>
            <th scope="col">When</th>
            {isWriter && <th scope="col">Actions</th>}
          </tr>
        </thead>
        <tbody>
          {silences.map((silence) => (
            <tr key={silence.id}>
              <td class="main">
                <a href={linkTo('silences', silence.id)}>{matchersText(silence.matchers, names)}</a>
                {silence.all_projects && <span class="tag">all projects</span>}
              </td>
              {hasAllProjects && (
                <Cell name="Project">
                  <Projects silence={silence} />
                </Cell>
              )}
              <Cell name="Reason">{silence.reason}</Cell>
              <Cell name="Owner">{silence.owner}</Cell>
              <Cell name="When">
                <When silence={silence} />
              </Cell>
              {isWriter && (
                <td>
                  <SilenceButtons silence={silence} names={names} onChange={onChange} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const MOST_NAMED = 3;

function Projects({ silence: { project_ids } }: { silence: ShownSilence }): JSX.Element {
  const named = (project_ids ?? []).filter((project) => project !== '');
  if (named.length === 0) return <span class="muted">–</span>;
  const more = named.length - MOST_NAMED;
  return (
    <>
      {named.slice(0, MOST_NAMED).join(', ')}
      {more > 0 && ` and ${more} more`}
    </>
  );
}

/** The present or next opening, or when the silence ended. */
function When({ silence }: { silence: ShownSilence }): JSX.Element {
  const { status, opening, ends_at, ended_at, recurrence } = silence;
  if (status === 'ended' || opening === null) {
    const end = ended_at ?? ends_at;
    return <>ended {end !== null && <Time at={end} form="short" />}</>;
  }
  return (
    <>
      {status === 'planned' && (
        <>
          from <Time at={opening.starts_at} form="short" />{' '}
        </>
      )}
      until <Time at={opening.ends_at} form="short" />
      {recurrence !== null && <small class="muted"> {openingText(recurrence)}</small>}
    </>
  );
}

/** What a writer may do with a silence. */
export function SilenceButtons({
  silence,
  names,
  onChange,
}: {
  silence: ShownSilence;
  names: ReadonlyMap<string, string>;
  onChange: () => void;
}): JSX.Element | null {
  const { isWriter } = usePageUser();
  if (!isWriter) return null;
  return (
    <div class="actions">
      {silence.may_change && silence.status !== 'ended' && (
        <a class="button" href={linkTo('silences', silence.id, { edit: 'yes' })}>
          Change
        </a>
      )}
      <EndSilence silence={silence} names={names} onEnd={onChange} />
      {silence.status === 'ended' && (
        <a class="button" href={linkTo('silences', 'new', { from: silence.id })}>
          Bring back
        </a>
      )}
    </div>
  );
}
