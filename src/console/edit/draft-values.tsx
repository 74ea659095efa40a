import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';

import { chartData, type ShownValues } from '../chart/chart-data.js';
import { ValuesChart } from '../chart/values-chart.js';
import { countOf, countText } from '../elements/numbers.js';
import { ServiceText } from '../elements/service-text.js';
import { durationText, Time, timeOf } from '../elements/time.js';
import { failureText } from '../requests/client.js';
import { fieldAround } from './faults.js';
import type { PlacedField } from './form-sections.js';
import type { DraftOutcome } from './use-draft-values.js';

/** What the draft would have done in the last 24 hours. */
export function DraftValues({
  outcome,
  missing,
  fields,
}: {
  outcome: DraftOutcome;
  /** A mandatory field without a value. */
  missing: PlacedField | undefined;
  fields: readonly PlacedField[];
}): JSX.Element {
  const { isWaiting } = outcome;
  const reason = reasonForNone(outcome, missing, fields);
  const values = reason === undefined ? outcome.values : undefined;
  return (
    <section class="panel outcome" aria-label="Last 24 hours" aria-busy={isWaiting}>
      <h2>What it would have done</h2>
      {reason !== undefined && (
        <p class="muted" role="status">
          <ServiceText text={reason} />
        </p>
      )}
      {isWaiting && <p class="muted">Evaluating the last 24 hours …</p>}
      {values && <Outcome values={values} />}
    </section>
  );
}

/** Why there are no values to show; undefined if there are. */
function reasonForNone(
  { failure, fault, isWaiting }: DraftOutcome,
  missing: PlacedField | undefined,
  fields: readonly PlacedField[],
): string | undefined {
  if (missing) return `Shown once the mandatory fields have values. Missing: ${missing.field.title}.`;
  const wrong = fault && fieldAround(fault.path, fields);
  // With the reason: the field may be folded.
  if (wrong) return `The draft is not complete. ${wrong.field.title}: ${fault.text}`;
  return isWaiting || failure === undefined ? undefined : `Not known: ${failureText(failure)}`;
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
        {reason !== null && (
          <span>
            last reason for insufficient data: <ServiceText text={reason} />
          </span>
        )}
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
  const sent = notifications === null ? '' : ` It would have sent ${countOf(notifications, 'notification')}.`;
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
