import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';

import { chartData, type ShownValues } from '../chart/chart-data.js';
import { ValuesChart } from '../chart/values-chart.js';
import { countOf, countText } from '../elements/numbers.js';
import { durationText, Time, timeOf } from '../elements/time.js';
import { bodyOf, client, failureText, RequestRefused, type Schemas } from '../requests/client.js';
import { useAnswer } from '../requests/use-answer.js';
import { useRested } from '../requests/use-rested.js';
import { retriedWhileBusy } from '../requests/while-busy.js';
import { serviceTime } from '../shell/clock.js';
import { testedDraft, type Draft } from './draft.js';
import type { PlacedField } from './form-sections.js';

const SPAN_S = 24 * 3600;
/** Seconds between two evaluations. If a draft has too many series for it, the service says the shortest step. */
const STEP_S = 60;

/** What the draft would have done in the last 24 hours. Nothing is saved. */
export function DraftValues({ draft, missing }: { draft: Draft; missing: PlacedField | undefined }): JSX.Element {
  const key = useRested(missing === undefined ? JSON.stringify({ ...testedDraft(draft), ...UNNAMED }) : undefined);
  const answer = useAnswer(key, (signal) => valuesOf(key ?? '{}', signal));
  const { value, failure, isWaiting } = answer;
  const isCurrent = key !== undefined && failure === undefined && value !== undefined;
  return (
    <section class="panel" aria-label="Last 24 hours" aria-busy={isWaiting}>
      <h2>What it would have done</h2>
      {missing !== undefined && (
        <p class="muted">Shown once the mandatory fields have values. Missing: {missing.field.title}.</p>
      )}
      {missing === undefined && isWaiting && <p class="muted">Evaluating the last 24 hours …</p>}
      {missing === undefined && !isWaiting && failure !== undefined && (
        <p class="muted" role="status">
          Not known: {failureText(failure)}
        </p>
      )}
      {missing === undefined && isCurrent && <Outcome values={value} />}
    </section>
  );
}

/** Fields that do not change the evaluation. They are fixed, so that an edit of them sends no request. */
const UNNAMED = { name: 'draft', description: '', state: undefined };

async function valuesOf(body: string, signal: AbortSignal): Promise<ShownValues> {
  const alarm = JSON.parse(body) as Schemas['AlarmRequest'];
  const stop = serviceTime();
  const start = new Date(stop.getTime() - SPAN_S * 1000);
  const request = (step: number): Promise<ShownValues> => {
    const span = { start: start.toISOString(), stop: stop.toISOString(), step };
    return bodyOf(client.POST('/v1/alarms/values', { body: { alarm, ...span }, signal }));
  };
  return retriedWhileBusy(signal, async () => {
    try {
      return await request(STEP_S);
    } catch (thrown) {
      const least = /Let step be at least (\d+)/.exec(failureText(thrown))?.[1];
      if (!(thrown instanceof RequestRefused) || thrown.status !== 400 || least === undefined) throw thrown;
      return request(Number(least));
    }
  });
}

function Outcome({ values }: { values: ShownValues }): JSX.Element {
  const data = useMemo(() => chartData(values), [values]);
  const { events, series, unanswered, unknown_reason: reason, series_not_shown: more } = values;
  return (
    <>
      <p class="sentence" role="status">
        {events ? <EventSentence values={values} /> : stateSentence(values)}
      </p>
      {series.length > 0 && <ValuesChart data={data} label="Values that the draft compares" />}
      <p class="key">
        {unanswered > 0 && <span>the backend did not answer {countText(unanswered)} times</span>}
        {more > 0 && <span>{countText(more)} more series are not shown</span>}
        {reason !== null && <span>last reason for no data: {reason}</span>}
        {series.length > 0 && <span>evaluated every {durationText(values.step * 1000)}</span>}
      </p>
    </>
  );
}

function EventSentence({ values }: { values: ShownValues }): JSX.Element {
  const { events, events_searched_since: since, start } = values;
  const count = events?.length ?? 0;
  const isShorter = since !== null && timeOf(since) > timeOf(start);
  return (
    <>
      {count === 0 ? 'No stored event' : countOf(count, 'event')} matched{' '}
      {isShorter ? (
        <>
          since <Time at={since} form="short" />
        </>
      ) : (
        'in the last 24 hours'
      )}
      {count === 0 ? '.' : '; each would have fired the alarm.'}
    </>
  );
}

/** How often it would have fired, for how long, and what it would have sent. */
function stateSentence({ states, initial_state, notifications }: ShownValues): string {
  const bands = states ?? [];
  const transitions = bands.filter(({ state }, index) => state !== (bands[index - 1]?.state ?? initial_state));
  const fired = transitions.filter(({ state }) => state === 'alarm').length;
  const inAlarmMs = bands
    .filter(({ state }) => state === 'alarm')
    .reduce((sum, { start, stop }) => sum + timeOf(stop).getTime() - timeOf(start).getTime(), 0);
  const sent =
    notifications === null
      ? ''
      : ` It would have sent ${countText(notifications)} ${notifications === 1 ? 'notification' : 'notifications'}.`;
  if (fired === 0) return `It would not have fired in the last 24 hours.${changes(transitions.length)}${sent}`;
  return (
    `It would have fired ${times(fired)} in the last 24 hours, and been in alarm for ${durationText(inAlarmMs)}.` +
    changes(transitions.length) +
    sent
  );
}

function changes(transitions: number): string {
  return transitions === 0
    ? ' Its state would not have changed.'
    : ` Its state would have changed ${times(transitions)}.`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${countText(count)} times`;
}
