import type { JSX } from 'preact';

import { MomentField } from '../elements/moment-field.js';
import { Loaded } from '../elements/notices.js';
import { countOf, numberText, operatorSign } from '../elements/numbers.js';
import { ServiceText } from '../elements/service-text.js';
import { Time } from '../elements/time.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useLive } from '../requests/live.js';
import { useAnswer } from '../requests/use-answer.js';
import { changeQuery, PROJECT } from '../shell/address.js';
import type { ViewProps } from '../shell/view.js';
import { seriesNames } from './series-names.js';

type ShownExplanation = Schemas['Explanation'];
type Query = ShownExplanation['questions'][number];

/** Rows that are shown at once; compared ones come last, as they are the newest. */
const ROWS = 30;

/** Why the alarm is in its state, now or at the chosen moment. */
export function ExplainPanel({ alarm, address: { query } }: ViewProps & { alarm: Schemas['Alarm'] }): JSX.Element {
  const { alarm_id: id } = alarm;
  const at = query.get('at');
  const answer = useAnswer(
    [id, at ?? '', alarm.timestamp, alarm.state_timestamp, query.get(PROJECT) ?? ''].join(),
    (signal) =>
      bodyOf(
        client.GET('/v2/alarms/{id}/explain', { params: { path: { id }, query: at === null ? {} : { at } }, signal }),
      ),
  );
  useLive({ events: ['silence'], alarmId: id }, answer.again);
  return (
    <section class="panel" aria-label="Explanation">
      <div class="heading">
        <h2>Why?</h2>
        <MomentField label="At" value={at ?? undefined} onChange={(moment) => changeQuery({ at: moment })} />
        <button type="button" disabled={at === null} onClick={() => changeQuery({ at: undefined })}>
          Now
        </button>
        <button type="button" onClick={answer.again}>
          Evaluate again
        </button>
      </div>
      <Loaded answer={answer} what="the explanation">
        {(explanation) => <Explained explanation={explanation} />}
      </Loaded>
    </section>
  );
}

function Explained({ explanation }: { explanation: ShownExplanation }): JSX.Element {
  const { summary, notes, questions, at } = explanation;
  return (
    <>
      <p class="sentence">
        <ServiceText text={summary} />
      </p>
      <p class="muted">
        As of <Time at={at} />
      </p>
      {notes.length > 0 && (
        <ul class="notes">
          {notes.map((note) => (
            <li key={note}>
              <ServiceText text={note} />
            </li>
          ))}
        </ul>
      )}
      {questions.map((question, index) => (
        <QueryDetails key={index} query={question} />
      ))}
    </>
  );
}

function QueryDetails({ query }: { query: Query }): JSX.Element {
  const { rule, backend, condition, compared, outside, datapoints, requests, datapoints_not_shown: more } = query;
  const names = seriesNames(query.series);
  const title = [
    rule?.name,
    backend.kind,
    condition && `${operatorSign(condition.comparison_operator)} ${numberText(condition.effective_threshold)}`,
    `${outside} of ${countOf(compared, 'compared datapoint')} outside`,
  ];
  return (
    <details open={rule === null}>
      <summary>{title.filter(Boolean).join(' · ')}</summary>
      {[backend.trouble, query.refusal].map(
        (reason) =>
          reason !== null && (
            <p key={reason} class="failure">
              <ServiceText text={reason} />
            </p>
          ),
      )}
      {datapoints.length > 0 && (
        <div class="scroll">
          <table class="dense">
            <thead>
              <tr>
                <th scope="col">Datapoint</th>
                <th scope="col">Value</th>
                <th scope="col">Compared</th>
              </tr>
            </thead>
            <tbody>
              {datapoints.slice(-ROWS).map((point, index) => (
                <Datapoint key={index} point={point} names={names} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {(more > 0 || datapoints.length > ROWS) && (
        <p class="muted">Not shown: {countOf(Math.max(0, datapoints.length - ROWS) + more, 'datapoint')}.</p>
      )}
      {query.pool_members?.map(({ id, name, operating_status, unhealthy }) => (
        <p key={id}>
          {name ?? id}: {operating_status} {unhealthy && <strong class="outside">unhealthy</strong>}
        </p>
      ))}
      {requests.map((request) => (
        <pre key={request} tabIndex={0}>
          {request}
        </pre>
      ))}
    </details>
  );
}

function Datapoint({
  point,
  names,
}: {
  point: Query['datapoints'][number];
  /** Of series, by their numbers. */
  names: ReadonlyMap<number, string>;
}): JSX.Element {
  const { timestamp, value, used, why, comparison, outside, series } = point;
  return (
    <tr class={used ? undefined : 'disabled'}>
      <td>
        {timestamp === null ? '–' : <Time at={timestamp} />}
        {series !== undefined && <span class="muted"> {names.get(series) ?? `series ${series + 1}`}</span>}
      </td>
      <td class="number">{numberText(value)}</td>
      <td>
        {used ? (
          <span class={outside === true ? 'outside' : undefined}>
            <span aria-hidden="true">{outside === true ? '▲' : '●'}</span> {comparison}
          </span>
        ) : (
          why
        )}
      </td>
    </tr>
  );
}
