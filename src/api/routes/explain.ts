import { parseTimestamp } from '../../alarm/wire/timestamp.js';
import type { Explain } from '../../evaluator/explain/explain.js';
import type { Alarms } from '../ports.js';
import { invalidInput } from '../http/query-parameters.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';
import { explanationAnswer } from '../answers/explanation-answer.js';
import { refuseForgotten } from './forgotten-times.js';
import { requestedAlarm } from './alarms.js';

export interface ExplainRoutesDeps {
  alarms: Alarms;
  explain: Explain;
  /** How long history is kept; undefined: for ever. */
  historyKeptMs: number | undefined;
  now: () => Date;
}

/** `/v2/alarms/{id}/explain`. */
export function explainRoutes(deps: ExplainRoutesDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/v2/alarms/:id/explain',
      policy: 'reader',
      audit: 'alarm.explain',
      query: ['at'],
      prepare: (request) => explain(deps, request),
    },
  ];
}

async function explain(
  { alarms, explain, historyKeptMs, now }: ExplainRoutesDeps,
  request: ApiRequest,
): Promise<() => Promise<ApiAnswer>> {
  const present = now();
  const at = momentIn(request, present);
  refuseForgotten('at', at, { now: present, historyKeptMs });
  const alarm = await requestedAlarm(alarms, request);
  return async () => {
    const explanation = await explain(alarm, { now: present, at, signal: request.signal });
    return { status: 200, body: explanationAnswer(alarm, explanation) };
  };
}

function momentIn({ query }: ApiRequest, now: Date): Date {
  const text = query.one('at');
  if (text === undefined) return now;
  const at = parseTimestamp(text);
  if (at === undefined) throw invalidInput('at', text, 'It is not a timestamp in ISO 8601.');
  if (at > now) throw invalidInput('at', text, 'It must not be in the future.');
  return at;
}
