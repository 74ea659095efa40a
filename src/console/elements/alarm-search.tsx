import type { ComponentChildren, JSX, TargetedKeyboardEvent } from 'preact';
import { useState } from 'preact/hooks';

import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useAnswer } from '../requests/use-answer.js';
import { TYPE_WORDS } from './alarm-types.js';
import { SearchField, type InputMarks } from './fields.js';
import { Failure } from './notices.js';
import { State } from './state.js';

const MOST_FOUND = 10;

/** Finds alarms by a part of their names, or by an id. A click chooses one. */
export function AlarmSearch({
  label,
  chosen = [],
  isFull = false,
  marks,
  none,
  onChoose,
}: {
  label: string;
  /** Ids of alarms that are not offered. */
  chosen?: readonly string[];
  /** True if no more can be chosen. */
  isFull?: boolean;
  marks?: InputMarks | undefined;
  /** Shown if no alarm is found. */
  none?: (search: string) => ComponentChildren;
  onChoose: (alarm: Schemas['ListedAlarm']) => void;
}): JSX.Element {
  const [search, setSearch] = useState<string>();
  const found = useAnswer(search, (signal) =>
    bodyOf(client.GET('/v1/alarms', { params: { query: { search: search ?? '', limit: MOST_FOUND } }, signal })),
  );
  // What was found for another search is not shown: it would be chosen by mistake.
  const isAnswered = search !== undefined && !found.isWaiting;
  return (
    <div class="alarm-search" onKeyDown={keepForm}>
      <SearchField label={label} value={search} placeholder="a part of the name" marks={marks} onChange={setSearch} />
      {isAnswered && found.failure !== undefined && <Failure failure={found.failure} />}
      {isAnswered && found.failure === undefined && found.value && (
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
          {found.value.alarms.length === 0 && <li class="muted">No alarm has this in its name. {none?.(search)}</li>}
        </ul>
      )}
    </div>
  );
}

/** Enter in the search does not send the form around it. */
function keepForm(event: TargetedKeyboardEvent<HTMLElement>): void {
  if (event.key === 'Enter' && event.target instanceof HTMLInputElement) event.preventDefault();
}
