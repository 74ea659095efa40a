import type { Clock } from '../../clock.js';
import type { AlarmCounts } from '../../storage/alarms/alarm-counts.js';
import type { ListedAlarmFilter } from '../../storage/alarms/listed-alarm-query.js';
import { alarmCountsAnswer, listedAlarmAnswer, type ListedAlarmsAnswer } from '../answers/listed-alarm-answer.js';
import { noteProject } from '../audit/request-audit.js';
import type { ApiAnswer } from '../http/answer.js';
import { cursorAfter } from '../http/cursor.js';
import { keepResults } from '../http/kept-results.js';
import type { ApiRequest, Route } from '../http/route.js';
import { isAdmin, scopeOf } from '../identity/authorize.js';
import type { ListedAlarms, Silences } from '../ports.js';
import { LISTED_ALARM_FILTERS, listedAlarmFilter, listedAlarmPage } from '../schema/listed-alarm-query.js';

export interface ListedAlarmsRoutesDeps {
  listedAlarms: ListedAlarms;
  silences: Pick<Silences, 'holding'>;
  clock: Pick<Clock, 'monotonicMs'>;
  now: () => Date;
}

type KeptCounts = ReturnType<typeof keepResults<ListedAlarmFilter, AlarmCounts>>;

const COUNTS_KEPT_MS = 5_000;

/** `/v1/alarms` and `/v1/alarms/counts`: alarms as tables show them, of one project or, for admins, of all. */
export function listedAlarmsRoutes(deps: ListedAlarmsRoutesDeps): Route[] {
  const { listedAlarms } = deps;
  const keptCounts: KeptCounts = keepResults((scope, filter) => listedAlarms.counts(scope, filter), {
    ...deps,
    keptMs: COUNTS_KEPT_MS,
  });
  return [
    {
      method: 'GET',
      path: '/v1/alarms',
      policy: 'reader',
      audit: 'alarm.list',
      query: [...LISTED_ALARM_FILTERS, 'sort', 'limit', 'cursor'],
      handle: (request) => list(deps, request),
    },
    {
      method: 'GET',
      path: '/v1/alarms/counts',
      policy: 'reader',
      audit: 'alarm.list',
      query: LISTED_ALARM_FILTERS,
      handle: (request) => counts(keptCounts, request),
    },
  ];
}

async function list({ listedAlarms, silences, now }: ListedAlarmsRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, query, signal } = request;
  const wanted = listedAlarmPage(query);
  noteProject(request, wanted.filter.projectId);
  const { alarms, next } = await listedAlarms.page(scopeOf(identity), { ...wanted, signal });
  const matched = alarms.map(({ rule, ...alarm }) => ({ ...alarm, type: rule.type }));
  const holding = await silences.holding(matched, now());
  const body = {
    alarms: alarms.map((alarm) => listedAlarmAnswer(alarm, holding.get(alarm.id) ?? [], isAdmin(identity))),
    next: next ? cursorAfter(wanted.sort, next) : null,
  } satisfies ListedAlarmsAnswer;
  return { status: 200, body };
}

async function counts(keptCounts: KeptCounts, request: ApiRequest): Promise<ApiAnswer> {
  const filter = listedAlarmFilter(request.query);
  noteProject(request, filter.projectId);
  const { result: found, at } = await keptCounts(scopeOf(request.identity), filter);
  return { status: 200, body: alarmCountsAnswer(found, at) };
}
