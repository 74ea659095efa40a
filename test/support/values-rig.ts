import type { PrometheusQuery, SeriesLabels } from '../../src/alarm/series.js';
import type { Datasource } from '../../src/datasource/datasource.js';
import type { Database } from '../../src/storage/database.js';
import { MEMBER, READER, startApi, type Answered, type TestApi } from './api.js';
import { empty } from './databases.js';
import { datasourceDouble, seriesEndingAt, type DatasourceDouble } from './datasource-double.js';
import type { Explained } from './explanations.js';
import { aPoolMember } from './octavia-double.js';
import { storeSample } from './stored-alarms.js';

interface Point {
  at: string;
  timestamp: string | null;
  value: number | string | null;
}
export interface Band {
  state: string | null;
  start: string;
  stop: string;
}
export interface Values {
  alarm_id: string | null;
  initial_state: string;
  series: {
    name: string | null;
    rule: string | null;
    granularity: number;
    comparison_operator: string | null;
    threshold: number | null;
    clear_threshold: number | null;
    points: Point[];
  }[];
  series_not_shown: number;
  states: Band[] | null;
  not_evaluated: { start: string; stop: string }[];
  notifications: number | null;
  unanswered: number;
  unknown_reason: string | null;
  members: { alarm_id: string; states: Band[] }[] | null;
  events: { message_id: string; event: Record<string, unknown> }[] | null;
  events_searched_since: string | null;
  transitions: { at: string; from: string; to: string; reason: string }[] | null;
}
export interface Latest {
  values: {
    alarm_id: string;
    name: string | null;
    rule: string | null;
    threshold: number | null;
    effective_threshold: number | null;
    value: number | null;
    outside: boolean | null;
    compared_series: number;
    error: string | null;
  }[];
}

const GNOCCHI = { aggregation_method: 'mean', threshold: 5, comparison_operator: 'ge', granularity: 60 };
export const PROMETHEUS = {
  query: 'errors',
  threshold: 5,
  comparison_operator: 'ge',
  granularity: 60,
  evaluation_periods: 2,
};
/** An alarm whose moments are asked about one by one. */
export const MOMENTARY = {
  name: 'momentary',
  type: 'prometheus',
  prometheus_rule: { query: 'errors', threshold: 5, comparison_operator: 'ge' },
};
const POOL = { pool_id: 'p', stack_id: 's', autoscaling_group_id: 'g' };
const PARTS = [
  { type: 'gnocchi_resources_threshold', metric: 'm', resource_id: 'r', resource_type: 'x', ...GNOCCHI },
  { type: 'prometheus', ...PROMETHEUS, tocsin: { clear_threshold: 3 } },
];

/** An alarm of each type that queries a backend. */
export const ALARMS: Record<string, Record<string, unknown>> = {
  threshold: {
    threshold_rule: { meter_name: 'cpu', threshold: 5, comparison_operator: 'ge', evaluation_periods: 2, period: 120 },
  },
  gnocchi_resources_threshold: {
    gnocchi_resources_threshold_rule: { metric: 'm', resource_id: 'r', resource_type: 'x', ...GNOCCHI },
  },
  gnocchi_aggregation_by_metrics_threshold: {
    gnocchi_aggregation_by_metrics_threshold_rule: { metrics: ['m'], evaluation_periods: 3, ...GNOCCHI },
  },
  gnocchi_aggregation_by_resources_threshold: {
    gnocchi_aggregation_by_resources_threshold_rule: { metric: 'm', query: '{}', resource_type: 'x', ...GNOCCHI },
  },
  prometheus: { prometheus_rule: PROMETHEUS, tocsin: { clear_threshold: 3 } },
  composite: { composite_rule: { or: PARTS } },
  loadbalancer_member_health: { loadbalancer_member_health_rule: POOL },
};
export const SPAN = { start: '2026-01-01T11:00:00Z', stop: '2026-01-01T11:45:00Z' };
export const SEARCH = `?start=${SPAN.start}&stop=${SPAN.stop}`;

/** Rises and falls, and is missing now and then. A point a minute, at least four. */
export function waveEnding(end: Date, periods: number, offset = 0): ReturnType<typeof seriesEndingAt> {
  const last = new Date(Math.floor(end.getTime() / 60_000) * 60_000);
  return seriesEndingAt(last, 60, Array<number>(Math.max(4, periods)).fill(0)).flatMap(({ at }) => {
    const minute = Math.floor(at / 60_000) + offset;
    return minute % 7 === 0 ? [] : [{ at, values: { value: minute % 11 } }];
  });
}

export function bodyOf(type: string): Record<string, unknown> {
  return { name: type, type, ...ALARMS[type] };
}

/** The newest compared datapoint of each series, as the explanation of a moment has it. */
export function explainedValues({ questions }: Explained): unknown[] {
  return questions.flatMap(({ rule, datapoints, ...question }) => {
    const members = (question as { pool_members?: { unhealthy: boolean }[] | null }).pool_members;
    if (members) return [[null, members.filter(({ unhealthy }) => unhealthy).length]];
    const newest = new Map<unknown, unknown>();
    for (const { used, series = 0, value } of datapoints) if (used) newest.set(series, [rule?.name ?? null, value]);
    return [...newest.keys()].sort().map((series) => newest.get(series));
  });
}

/** An API with backends that answer for each type of alarm, and requests for values. */
export interface ValuesRig {
  api: TestApi;
  db: Database;
  /** What answers for Prometheus. Its series have the hosts a and b. */
  prometheus: DatasourceDouble<'prometheus'>;
  /** Empties the database, stores samples, and lets the backends answer as at first. */
  reset(): Promise<void>;
  values(path: string, asked?: { as?: typeof MEMBER; body?: unknown }): Promise<Values>;
  draft(alarm: unknown, more?: object): Promise<Answered>;
  latest(ids: readonly string[]): Promise<Latest['values']>;
  close(): Promise<void>;
}

const HOSTS: SeriesLabels[] = [
  { __name__: 'errors', host: 'a' },
  { __name__: 'errors', host: 'b' },
];

/** Reports the labels of both hosts to the trace of each request. */
function labelled(source: Datasource<PrometheusQuery>): Datasource<PrometheusQuery> {
  return {
    answers(request, asking) {
      for (const { key } of request.queries) for (const labels of HOSTS) asking.trace?.labelled?.({ key, labels });
      return source.answers(request, asking);
    },
  };
}

export async function startValuesRig(db: Database): Promise<ValuesRig> {
  const gnocchi = datasourceDouble<'gnocchi'>((_, { now }, __, { periods }) => {
    // A period that begins at the end of the window is no part of it.
    const end = new Date(now.getTime() - 1);
    return { kind: 'series', series: [waveEnding(end, periods)] };
  });
  const octavia = datasourceDouble<'octavia'>((_, { now }) => {
    const operating_status = now.getUTCMinutes() % 20 < 10 ? 'ERROR' : 'ONLINE';
    return { kind: 'members', creationTimeS: 0, members: [aPoolMember({ operating_status }), aPoolMember()] as never };
  });
  const prometheus = datasourceDouble<'prometheus'>(() => ({ kind: 'series', series: [] }));
  const remote = {
    gnocchi: new Map([[null, gnocchi]]),
    octavia: new Map([[null, octavia]]),
    prometheus: new Map([[null, labelled(prometheus)]]),
  };
  const api = await startApi(db, { remote });

  async function answered<T>(answer: Promise<Answered>): Promise<T> {
    const { status, text, json } = await answer;
    if (status !== 200) throw new Error(`${status} ${text}`);
    return json<T>();
  }

  return {
    api,
    db,
    prometheus,
    async reset() {
      await empty(db);
      prometheus.says = (_, { now }, __, { periods }) => ({
        kind: 'series',
        series: [waveEnding(now, periods), waveEnding(now, periods, 4)],
      });
      prometheus.gate = () => Promise.resolve();
      for (const double of [gnocchi, octavia, prometheus]) double.asked = [];
      for (let minute = 0; minute < 60; minute += 1) {
        if (minute % 13 < 4) continue;
        const at = new Date(Date.parse(SPAN.start) + (minute * 60 - 330) * 1000);
        await storeSample(db, 'cpu', { volume: minute % 11, at, project: 'p1' });
      }
    },
    values: (path, asked = {}) => answered(api.ask(asked.body ? 'POST' : 'GET', path, { as: READER, ...asked })),
    draft: (alarm, more = {}) =>
      api.ask('POST', '/v1/alarms/values', { as: MEMBER, body: { alarm, ...SPAN, ...more } }),
    async latest(ids) {
      const body = { ids };
      return (await answered<Latest>(api.ask('POST', '/v1/alarms/latest-values', { as: READER, body }))).values;
    },
    close: () => api.close(),
  };
}
