import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';

import { EndSilence } from '../elements/end-silence.js';
import { Failure } from '../elements/notices.js';
import { matchersText, type ShownSilence } from '../elements/silence-words.js';
import { Time, timeOf } from '../elements/time.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useLive } from '../requests/live.js';
import { useAnswer } from '../requests/use-answer.js';
import { linkTo } from '../shell/address.js';
import { after, serviceTime } from '../shell/clock.js';

/** Later openings and ends are not waited for. */
const FARTHEST_MS = 86_400_000;
/** The list is read this long after an opening or an end, so that the service has passed that time too. */
const MARGIN_MS = 1_000;

/** The silences that hold an alarm now or later; nothing if there are none. */
export function SilencesPanel({
  alarm,
  made,
}: {
  alarm: Schemas['Alarm'];
  /** Number of silences that the user has made on this page. The list is read again after each. */
  made: number;
}): JSX.Element | null {
  const { alarm_id: id, name } = alarm;
  const answer = useAnswer(`${id} ${alarm.timestamp} ${made}`, async (signal) => {
    const query = { alarm_id: id, limit: 10 };
    return (await bodyOf(client.GET('/v1/silences', { params: { query }, signal }))).silences;
  });
  useLive({ events: ['silence'], alarmId: id }, answer.again);
  const next = nextChange(answer.value ?? []);
  useEffect(() => (next === undefined ? undefined : after(next + MARGIN_MS, answer.again)), [answer.value]);
  if (answer.failure !== undefined) return <Failure failure={answer.failure} again={answer.again} />;
  if (answer.value === undefined || answer.value.length === 0) return null;
  const names = new Map([[id, name]]);
  return (
    <section class="panel silenced" aria-label="Silences">
      <ul>
        {answer.value.toSorted(activeFirst).map((silence) => (
          <li key={silence.id}>
            <HoldingSilence silence={silence} names={names} />
            <EndSilence silence={silence} names={names} onEnd={answer.again} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function HoldingSilence({
  silence: { id, status, opening, reason, owner, matchers },
  names,
}: {
  silence: ShownSilence;
  names: ReadonlyMap<string, string>;
}): JSX.Element {
  return (
    <p>
      <a href={linkTo('silences', id)}>
        <strong>{status === 'active' ? 'Silenced' : 'Will be silenced'}</strong>
      </a>
      {opening && (
        <>
          {status === 'planned' && (
            <>
              {' '}
              from <Time at={opening.starts_at} />
            </>
          )}{' '}
          until <Time at={opening.ends_at} />
        </>
      )}
      : {reason} <span class="muted">({owner})</span> <small class="muted">{matchersText(matchers, names)}</small>
    </p>
  );
}

function activeFirst(one: ShownSilence, other: ShownSilence): number {
  return Number(other.status === 'active') - Number(one.status === 'active');
}

/** Milliseconds until the next beginning or end of an opening; undefined if there is none within a day. */
function nextChange(silences: readonly ShownSilence[]): number | undefined {
  const now = serviceTime().getTime();
  const times = silences
    .flatMap(({ opening }) => (opening ? [opening.starts_at, opening.ends_at] : []))
    .map((time) => timeOf(time).getTime() - now)
    .filter((ms) => ms > 0 && ms < FARTHEST_MS);
  return times.length === 0 ? undefined : Math.min(...times);
}
