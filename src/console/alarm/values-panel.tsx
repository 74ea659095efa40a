import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';

import { chartData, type ChartData } from '../chart/chart-data.js';
import { ValuesChart } from '../chart/values-chart.js';
import { Empty, Loaded } from '../elements/notices.js';
import { countOf, numberText } from '../elements/numbers.js';
import { ServiceText } from '../elements/service-text.js';
import { SPAN_SECONDS } from '../elements/spans.js';
import { State } from '../elements/state.js';
import { Time, timeOf } from '../elements/time.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useAnswer } from '../requests/use-answer.js';
import { retriedWhileBusy } from '../requests/while-busy.js';
import { changeQuery, PROJECT } from '../shell/address.js';
import type { ViewProps } from '../shell/view.js';
import { serviceTime } from '../shell/clock.js';

/** Time spans that the user can choose, with the seconds between two evaluations. */
const SPANS = {
  '1h': { text: '1 hour', step: undefined },
  '6h': { text: '6 hours', step: 60 },
  '24h': { text: '24 hours', step: 60 },
  '7d': { text: '7 days', step: 600 },
} as const;
type SpanName = keyof typeof SPANS;
const DEFAULT_SPAN: SpanName = '6h';

/** What the alarm compared over time: a chart, or the events that matched. A click on the chart chooses a moment. */
export function ValuesPanel({ alarm, address: { query } }: ViewProps & { alarm: Schemas['Alarm'] }): JSX.Element {
  const { alarm_id: id } = alarm;
  const name = spanIn(query);
  const until = query.get('until');
  const key = [id, name, until ?? '', alarm.timestamp, alarm.state_timestamp, query.get(PROJECT) ?? ''].join();
  const answer = useAnswer(key, (signal) => {
    const { step } = SPANS[name];
    const stop = until === null ? serviceTime() : timeOf(until);
    const start = new Date(stop.getTime() - SPAN_SECONDS[name] * 1000);
    const span = { start: start.toISOString(), stop: stop.toISOString(), ...(step === undefined ? {} : { step }) };
    // Several tabs may show alarms that fired together.
    return retriedWhileBusy(signal, () =>
      bodyOf(client.GET('/v1/alarms/{id}/values', { params: { path: { id }, query: span }, signal })),
    );
  });
  return (
    <section class="panel" aria-label="Values">
      <div class="heading">
        <h2>Values</h2>
        <SpanChoice chosen={name} />
        <Shift name={name} until={until} />
      </div>
      <Loaded answer={answer} what="values">
        {(values) => <Values alarm={alarm} values={values} at={query.get('at')} />}
      </Loaded>
    </section>
  );
}

function spanIn(query: URLSearchParams): SpanName {
  const name = query.get('span') ?? DEFAULT_SPAN;
  return Object.hasOwn(SPANS, name) ? (name as SpanName) : DEFAULT_SPAN;
}

function SpanChoice({ chosen }: { chosen: SpanName }): JSX.Element {
  return (
    <div class="segments" role="group" aria-label="Time span">
      {Object.entries(SPANS).map(([name, { text }]) => (
        <button key={name} type="button" aria-pressed={name === chosen} onClick={() => changeQuery({ span: name })}>
          {text}
        </button>
      ))}
    </div>
  );
}

/** Moves the span by half of its length. */
function Shift({ name, until }: { name: SpanName; until: string | null }): JSX.Element {
  const half = (SPAN_SECONDS[name] * 1000) / 2;
  const moveBy = (ms: number): void => {
    const stop = new Date((until === null ? serviceTime() : timeOf(until)).getTime() + ms);
    changeQuery({ until: stop >= serviceTime() ? undefined : `${stop.toISOString().slice(0, 19)}Z` });
  };
  return (
    <div class="actions">
      <button type="button" onClick={() => moveBy(-half)}>
        ← Earlier
      </button>
      <button type="button" disabled={until === null} onClick={() => moveBy(half)}>
        Later →
      </button>
      <button type="button" disabled={until === null} onClick={() => changeQuery({ until: undefined })}>
        Now
      </button>
    </div>
  );
}

function Values({
  alarm,
  values,
  at,
}: {
  alarm: Schemas['Alarm'];
  values: Schemas['AlarmValues'];
  at: string | null;
}): JSX.Element {
  const data = useMemo(() => chartData(values), [values]);
  const moment = at === null ? undefined : timeOf(at).getTime() / 1000;
  if (alarm.type === 'event') return <MatchedEvents values={values} />;
  const choose = (seconds: number): void =>
    changeQuery({ at: `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z` });
  return (
    <>
      <ValuesChart data={data} label={chartText(alarm, data)} moment={moment} onMoment={choose} />
      <p class="key">
        {data.lines.map(({ value, isClear }) => (
          <span key={`${value}${isClear}`}>
            {isClear ? '┄ clear threshold' : '╌ threshold'} {numberText(value)}
          </span>
        ))}
        {data.createdAt !== undefined && (
          <span>
            ┊ created <Time at={new Date(data.createdAt * 1000).toISOString()} form="short" />: before, the alarm did
            not exist
          </span>
        )}
        {data.missing.length > 0 && <span>▮ below: no value at {countOf(data.missing.length, 'evaluation')}</span>}
        {values.unanswered > 0 && <span>the backend did not answer {countOf(values.unanswered, 'time')}</span>}
        {values.series_not_shown > 0 && <span>series that are not shown: {values.series_not_shown}</span>}
        {values.unknown_reason !== null && (
          <span>
            last reason for insufficient data: <ServiceText text={values.unknown_reason} />
          </span>
        )}
        <span>Click on a moment to have it explained below.</span>
      </p>
    </>
  );
}

/** The chart in words. */
function chartText({ name }: Schemas['Alarm'], { series, lines, transitions }: ChartData): string {
  const numbers = series.flatMap(({ values }) => values.filter((value) => value !== null));
  const range = numbers.reduce<[number, number] | undefined>(
    (found, value) => [Math.min(found?.[0] ?? value, value), Math.max(found?.[1] ?? value, value)],
    undefined,
  );
  const changes = transitions.map(({ to }) => to).join(', ');
  return [
    `${series.length === 0 ? 'States' : 'Values'} of ${name}.`,
    series.length === 0 ? '' : rangeText(series.length, range),
    ...lines.map(({ value, isClear }) => `${isClear ? 'Clear threshold' : 'Threshold'} ${numberText(value)}.`),
    changes === '' ? 'No transition.' : `Transitions: ${changes}.`,
  ].join(' ');
}

function rangeText(count: number, range: readonly [number, number] | undefined): string {
  if (range === undefined) return 'No values.';
  return `${count === 1 ? 'One' : count} series from ${numberText(range[0])} to ${numberText(range[1])}.`;
}

/** The events that matched an event alarm, newest first. */
function MatchedEvents({ values: { events, transitions } }: { values: Schemas['AlarmValues'] }): JSX.Element {
  if (!events || events.length === 0) return <Empty>No event matched in this time.</Empty>;
  return (
    <>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Received</th>
              <th scope="col">Event</th>
              <th scope="col">Content</th>
            </tr>
          </thead>
          <tbody>
            {events.map(({ message_id, event_type, received_at, event }) => (
              <tr key={message_id}>
                <td>
                  <Time at={received_at} />
                </td>
                <td>{event_type}</td>
                <td>
                  <details>
                    <summary>{message_id}</summary>
                    <pre tabIndex={0}>{JSON.stringify(event, null, 2)}</pre>
                  </details>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <ul>
        {transitions?.map(({ at, to }) => (
          <li key={at}>
            <State state={to} /> <Time at={at} />
          </li>
        ))}
      </ul>
    </>
  );
}
