import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { Loaded } from '../elements/notices.js';
import { ServiceText } from '../elements/service-text.js';
import { State, type ShownState } from '../elements/state.js';
import { Time } from '../elements/time.js';
import { bodyOf, client } from '../requests/client.js';
import { useAnswer } from '../requests/use-answer.js';
import { changeQuery } from '../shell/address.js';
import { changesOf, detailOf, type FieldChange, type ShownChange } from './history-changes.js';

const FIRST_ROWS = 20;
const MORE_ROWS = 200;

/** Transitions and edits of an alarm, newest first. */
export function HistoryPanel({ alarmId: id, version }: { alarmId: string; version: string }): JSX.Element {
  const [rows, setRows] = useState(FIRST_ROWS);
  const answer = useAnswer([id, version, rows].join(), (signal) =>
    // One more, to know whether there are more.
    bodyOf(client.GET('/v2/alarms/{id}/history', { params: { path: { id }, query: { limit: rows + 1 } }, signal })),
  );
  return (
    <section class="panel" aria-label="History">
      <h2>History</h2>
      <Loaded answer={answer} what="the history">
        {(entries) => {
          const changes = changesOf(entries);
          return (
            <>
              <ol class="timeline">
                {entries.slice(0, rows).map((entry) => (
                  <li key={entry.event_id}>
                    <Time at={entry.timestamp} /> <Entry entry={entry} changes={changes.get(entry.event_id) ?? []} />
                  </li>
                ))}
              </ol>
              {entries.length > rows && (
                <div>
                  <button type="button" onClick={() => setRows(rows + MORE_ROWS)}>
                    Show more
                  </button>
                </div>
              )}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

function Entry({ entry, changes }: { entry: ShownChange; changes: readonly FieldChange[] }): JSX.Element {
  const { type, user_id: user, timestamp } = entry;
  if (type === 'state transition') {
    const { state, transition_reason: reason } = detailOf(entry);
    return (
      <>
        <State state={state as ShownState} /> {typeof reason === 'string' && <ServiceText text={reason} />}{' '}
        <button type="button" class="link" onClick={() => changeQuery({ at: `${timestamp.slice(0, 19)}Z` })}>
          explain
        </button>
      </>
    );
  }
  const by = user === null ? '' : ` by ${user}`;
  if (type !== 'rule change') return <>{type === 'creation' ? `created${by}` : `deleted${by}`}</>;
  return (
    <>
      changed{by}:
      <ul>
        {changes.map(({ field, before, after }) => (
          <li key={field}>
            <code>{field}</code> {before !== undefined && <del>{shown(before)}</del>} → <ins>{shown(after)}</ins>
          </li>
        ))}
      </ul>
    </>
  );
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value || '(empty)' : JSON.stringify(value);
}
