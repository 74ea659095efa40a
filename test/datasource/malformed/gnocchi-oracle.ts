import type { AlarmRule } from '../../../src/alarm/types/index.js';
import { END, metricsOf, uuid, type GnocchiCase, type Reply } from './gnocchi-answers.js';
import { STEP_MS, type JudgedCase } from './judged.js';
import { own, readJson, readPythonJson } from './json-text.js';
import { believed, expectedOf, type Measured, type Place, type Understood } from './oracle.js';

export function judgedGnocchi(one: GnocchiCase): JudgedCase {
  const alarms = one.alarms.map(({ treatment, ...condition }, which) => {
    const expected = expectedOf({ ...condition, treatment, required: one.required }, understoodBy(one, which));
    return { rule: ruleOf(one, which), options: { treat_missing_data: treatment }, expected };
  });
  const found = one.kind === 'resource' ? `found ${one.found.status}: ${one.found.body.toString()}\n` : '';
  return {
    alarms,
    shown: `${one.kind} ${one.method} ${one.required}\n${found}${one.measured.status}: ${one.measured.body.toString()}`,
  };
}

function ruleOf(one: GnocchiCase, which: number): AlarmRule {
  const { comparison_operator, threshold } = one.alarms[which]!;
  const common = {
    comparison_operator,
    threshold,
    aggregation_method: one.method,
    evaluation_periods: one.required,
    granularity: STEP_MS / 1000,
  };
  if (one.kind === 'resource') {
    const resource_id = uuid(one.index, 'c', which);
    return {
      type: 'gnocchi_resources_threshold',
      ...common,
      metric: 'cpu',
      resource_id,
      resource_type: 'instance',
      scope_to_project: null,
    };
  }
  if (one.kind === 'metrics') {
    return {
      type: 'gnocchi_aggregation_by_metrics_threshold',
      ...common,
      metrics: metricsOf(one, which),
      scope_to_project: null,
    };
  }
  const query = JSON.stringify({ '=': { server_group: uuid(one.index, 'b', which) } });
  return {
    type: 'gnocchi_aggregation_by_resources_threshold',
    ...common,
    metric: 'cpu',
    query,
    resource_type: 'instance',
  };
}

/** The part of the answer that belongs to one alarm. */
function understoodBy(one: GnocchiCase, which: number): Understood {
  if (one.kind === 'search') return understoodSearch(one, which);
  const [first, ...others] = metricsOf(one, which);
  const ids = one.kind === 'resource' ? foundMetric(one, which) : [first!, ...others];
  if (typeof ids === 'string') return ids;
  if (ids === undefined) return { series: [] };
  const read = bodyOf(one.measured);
  if (typeof read === 'string') return read;
  const measures = own(read.json, 'measures');
  const series = ids.map((id) => rowsOf(own(own(measures, id), one.method), one));
  const all = series.filter((each) => each !== undefined);
  return all.length < series.length
    ? 'outage'
    : { series: [one.kind === 'resource' ? [...all[0]!.values()] : aggregate(all, one.method)] };
}

function understoodSearch(one: GnocchiCase, which: number): Understood {
  const name = uuid(one.index, 'b', which);
  const read = bodyOf(one.measured);
  if (read === 'unknown') return isNotFound(one.measured) ? { series: [] } : 'unknown';
  if (read === 'outage') return 'outage';
  if (one.alarms.length === 1) return aggregatedOf(read.json, one);
  if (!Array.isArray(read.json)) return 'outage';
  const names = read.json.map((group: unknown) => own(own(group, 'group'), 'server_group'));
  const asked = new Set<unknown>(one.alarms.map((_, index) => uuid(one.index, 'b', index)));
  // The groups cannot be assigned, so the queries are sent one by one.
  if (new Set(names).size < names.length || names.some((each) => !asked.has(each))) {
    const alone = readPythonJson(one.bodies[which]!);
    return alone === undefined ? 'outage' : aggregatedOf(alone.json, one);
  }
  const at = names.indexOf(name);
  return at === -1 ? { series: [] } : aggregatedOf(own(read.json[at], 'measures'), one);
}

function aggregatedOf(json: unknown, one: GnocchiCase): Understood {
  const values = rowsOf(own(own(json, 'measures'), 'aggregated'), one);
  return values === undefined ? 'outage' : { series: [[...values.values()]] };
}

function bodyOf({ status, body }: Reply): { json: unknown } | 'outage' | 'unknown' {
  // An error without Gnocchi's form does not come from Gnocchi.
  const description = own(readJson(body)?.json, 'description');
  const isGnocchis =
    typeof description === 'string' ||
    (typeof description === 'object' && description !== null && !Array.isArray(description));
  if (status >= 400)
    return !isGnocchis || status >= 500 || [401, 408, 425, 429].includes(status) ? 'outage' : 'unknown';
  // An answer with status 204 has no body.
  return status === 200 ? (readPythonJson(body) ?? 'outage') : 'outage';
}

/** The id of the alarm's metric; undefined if there is none. */
function foundMetric(one: GnocchiCase, which: number): string[] | 'outage' | 'unknown' | undefined {
  const read = bodyOf(one.found);
  if (typeof read === 'string') return read;
  if (!Array.isArray(read.json) || !read.json.every(isResource)) return 'outage';
  const resource = read.json.findLast((each) => own(each, 'id') === uuid(one.index, 'c', which));
  const id = own(own(resource, 'metrics'), 'cpu');
  return typeof id === 'string' ? [id] : undefined;
}

function isResource(value: unknown): boolean {
  const metrics = own(value, 'metrics');
  const isMap = typeof metrics === 'object' && metrics !== null && !Array.isArray(metrics);
  return typeof own(value, 'id') === 'string' && (metrics === undefined || isMap);
}

/** Refusals that are longer or deeper than Gnocchi's are not read. */
function isNotFound({ status, body }: Reply): boolean {
  const description = own(readJson(body)?.json, 'description');
  if (body.length > 16 * 1024 || depthOf(description) > 8) return false;
  if (typeof description === 'string') return status === 404 && /^Metric .*does not exist/s.test(description);
  return (status === 404 || status === 400) && own(description, 'cause') === 'Metrics not found';
}

function depthOf(value: unknown): number {
  let depth = 0;
  for (let level = [value]; level.length > 0; depth += 1) {
    level = level.flatMap((each) =>
      typeof each === 'object' && each !== null ? (Object.values(each) as unknown[]) : [],
    );
  }
  return depth;
}

/** `[timestamp, granularity, value]`; rows of other granularities are ignored. */
function rowsOf(list: unknown, { required }: GnocchiCase): Map<number, Place> | undefined {
  if (!Array.isArray(list)) return undefined;
  const from = Math.floor((END - (required + 1) * STEP_MS) / STEP_MS) * STEP_MS;
  const own60 = list.filter((each) => Array.isArray(each) && each[1] === 60) as unknown[][];
  return believed(
    own60.map((each): Measured => ({ at: moment(each[0]), value: each[2] })),
    { from, to: END + STEP_MS },
  );
}

const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([-+])(\d\d):?(\d\d))?$/;

/** UTC unless another offset is given. */
function moment(text: unknown): number | undefined {
  const found = typeof text === 'string' ? TIMESTAMP.exec(text) : null;
  if (found === null) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const at = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  if (at.getUTCDate() !== day || at.getUTCMonth() !== month - 1 || at.getUTCHours() !== hour) return undefined;
  const offset = (Number(found[9] ?? 0) * 60 + Number(found[10] ?? 0)) * 60_000 * (found[8] === '-' ? -1 : 1);
  return at.getTime() + Math.floor(Number(found[7] ?? 0) * 1000) - offset;
}

/**
 * At each time over the series that have a value then. Gnocchi's sum of no values is 0, and there is no mean of them.
 */
function aggregate(all: readonly Map<number, Place>[], method: string): Place[] {
  const times = [...new Set(all.flatMap((series) => [...series.keys()]))].sort((a, b) => a - b);
  const computed = times.map((at) => {
    const values = all.map((series) => series.get(at)).filter((value) => value !== undefined);
    const sum = values.reduce((total, value) => total + value, 0);
    if (method === 'sum') return sum;
    if (method === 'count') return values.length;
    if (method === 'mean' || values.length === 0) return sum / values.length;
    return method === 'min' ? Math.min(...values) : Math.max(...values);
  });
  return computed.map((value) => (Number.isNaN(value) ? undefined : value));
}
