import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';

import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useAnswer } from '../requests/use-answer.js';
import { TYPE_WORDS } from './alarm-types.js';
import { SearchField } from './fields.js';
import { Failure } from './notices.js';
import { State } from './state.js';

const MOST_FOUND = 10;

/** Finds alarms by a part of their names, or by an id. A click chooses one. */
export function AlarmSearch({
  label,
  chosen = [],
  isFull = false,
  none,
  onChoose,
}: {
  label: string;
  /** Ids of alarms that are not offered. */
  chosen?: readonly string[];
  /** True if no more can be chosen. */
  isFull?: boolean;
  /** Shown if no alarm is found. */
  none?: (search: string) => ComponentChildren;
  onChoose: (alarm: Schemas['ListedAlarm']) => void;
}): JSX.Element {
  const [search, setSearch] = useState<string>();
  const found = useAnswer(search, (signal) =>
    bodyOf(client.GET('/v1/alarms', { params: { query: { search: search ?? '', limit: MOST_FOUND } }, signal })),
  );
  return (
    <div class="alarm-search">
      <SearchField label={label} value={search} placeholder="a part of the name" onChange={setSearch} />
      {found.failure !== undefined && <Failure failure={found.failure} />}
      {search !== undefined && found.value && (
        <ul class="found" aria-label="Found alarms">
          {found.value.alarms
            .filter(({ alarm_id }) => !chosen.includes(alarm_id))
            .map((alarm) => (
              <li key={alarm.alarm_id}>
                <button type="button" disabled={isFull} onClick={() => onChoose(alarm)}>
                  <State state={alarm.state} /> {alarm.name} <small class="muted">{TYPE_WORDS[alarm.type]}</small>
                </button>
              </li>
            ))}
          {found.value.alarms.length === 0 && (
            <li class="muted">No alarm has this in its name. {!found.isWaiting && none?.(search)}</li>
          )}
        </ul>
      )}
    </div>
  );
}
