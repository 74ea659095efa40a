import { expect } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import type { BackendAnswer, GnocchiQuery } from '../../../src/alarm/series.js';
import { createSystemClock } from '../../../src/clock.js';
import { createGnocchiClient } from '../../../src/datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource } from '../../../src/datasource/gnocchi/gnocchi.js';
import { eventually } from '../../support/eventually.js';
import { ADMIN_TOKEN, startGnocchi, type RealGnocchi } from '../../support/gnocchi.js';
import { PATIENCE_MS } from '../../support/patience.js';

const NOW = new Date('2026-01-01T12:10:30Z');
const PERIODS = 10;
const CREATOR = 'admin-user:admin-project';
const SERVICE = 'service-user:service-project:admin';
export const AGGREGATES = ['mean', 'median', 'std', 'min', 'max', 'sum'];
const STORED = [...AGGREGATES, 'count', 'last', 'rate:mean'];

/** A resource of Gnocchi; `metrics` are ids by name. */
export interface CreatedResource {
  id: string;
  metrics?: Record<string, string>;
}

/** A real Gnocchi with resources, metrics and measures, and the datasource that queries it. */
export interface GnocchiRig {
  gnocchi: RealGnocchi;
  /** Resources by the names that tests give them. */
  resources: Record<string, CreatedResource>;
  create(name: string, path: string, body: object, user?: string): Promise<CreatedResource>;
  /** The answers of one call, in the order of the queries. */
  answersTo(...queries: GnocchiQuery[]): Promise<BackendAnswer[]>;
  /** Number of requests that the datasource has sent. */
  requests(): number;
  /** Gnocchi's own aggregates over the window of the alarms, as points. */
  aggregates(operations: unknown, search?: object): Promise<unknown>;
  stop(): Promise<void>;
}

export async function startGnocchiRig(): Promise<GnocchiRig> {
  const gnocchi = await startGnocchi({ metricd: true, tokens: true });
  const tokens = { token: () => Promise.resolve(ADMIN_TOKEN), renew: () => Promise.resolve(ADMIN_TOKEN) };
  const datasource = createGnocchiDatasource({
    client: createGnocchiClient({ url: gnocchi.url, auth: { kind: 'token', tokens }, timeoutMs: PATIENCE_MS }),
    observer: { succeeded: () => undefined, failed: () => undefined },
    clock: createSystemClock(),
    creator: () => Promise.resolve(CREATOR),
    externalOwner: () => Promise.resolve('service-project'),
  });
  const resources: Record<string, CreatedResource> = {};
  let requests = 0;

  async function create(name: string, path: string, body: object, user = ADMIN_TOKEN): Promise<CreatedResource> {
    const answer = await gnocchi.ask('POST', path, { body, user });
    if (answer.status !== 201) throw new Error(`not created: ${answer.status} ${JSON.stringify(answer.body)}`);
    return (resources[name] = answer.body as CreatedResource);
  }

  await createResources(create);
  await measure(gnocchi, resources);
  return {
    gnocchi,
    resources,
    create,
    async answersTo(...queries) {
      const keyed = queries.map((query, index) => ({ key: `${index} ${JSON.stringify(query)}`, query }));
      const context = {
        now: NOW,
        signal: new AbortController().signal,
        trace: { sent: () => (requests += 1), dropped: () => undefined },
      };
      const request = { granularityS: 60, periods: PERIODS, lagS: 0, queries: keyed };
      const answers = await datasource.answers(request, context);
      return keyed.map(({ key }) => answers.get(key)!);
    },
    requests: () => requests,
    aggregates: (operations, search) => ownAggregates(gnocchi, operations, search),
    async stop() {
      datasource.close?.();
      await gnocchi.stop();
    },
  };
}

async function createResources(create: GnocchiRig['create']): Promise<void> {
  const text = { type: 'string', required: false, max_length: 255 };
  await create('', '/v1/resource_type', { name: 'instance', attributes: { server_group: text } });
  const definition = [{ granularity: '60s' }];
  await create('', '/v1/archive_policy', { name: 'all', aggregation_methods: STORED, definition });
  await create('', '/v1/archive_policy', { name: 'max', aggregation_methods: ['max'], definition });
  await create('', '/v1/archive_policy', {
    name: 'slow',
    aggregation_methods: ['mean'],
    definition: [{ granularity: '300s' }],
  });
  const cpu = { cpu: { archive_policy_name: 'all' } };
  for (const name of ['a', 'b', 'c', 'd']) {
    await create(name, '/v1/resource/instance', {
      id: randomUUID(),
      server_group: name < 'c' ? 's1' : 's2',
      metrics: cpu,
    });
  }
  const starred = { 'cpu*': { archive_policy_name: 'all' }, cpu_: { archive_policy_name: 'all' } };
  await create('starred', '/v1/resource/generic', { id: randomUUID(), metrics: starred });
  await create('max', '/v1/resource/generic', { id: randomUUID(), metrics: { cpu: { archive_policy_name: 'max' } } });
  await create('slow', '/v1/resource/generic', {
    id: randomUUID(),
    metrics: { cpu: { archive_policy_name: 'slow' } },
  });
  await create('bare', '/v1/resource/generic', { id: randomUUID() });
  await create('named', '/v1/resource/generic', { id: 'instance-7', metrics: cpu });
  const ofP1 = { id: randomUUID(), project_id: 'p_1', metrics: cpu };
  await create('p1', '/v1/resource/generic', ofP1, 'u:p_1:member');
  await create('measured for p1', '/v1/resource/generic', { ...ofP1, id: randomUUID() }, SERVICE);
  await create('pX1', '/v1/resource/generic', { id: randomUUID(), metrics: cpu }, 'u:pX1:member');
}

/** Measures one value a minute from 12:00; some minutes of each metric have none. */
async function measure(gnocchi: RealGnocchi, resources: GnocchiRig['resources']): Promise<void> {
  const body: Record<string, object[]> = {};
  const names = Object.entries(resources).filter(([, { metrics }]) => metrics !== undefined);
  for (const [index, [, { metrics }]] of names.entries()) {
    for (const id of Object.values(metrics ?? {})) {
      body[id] = Array.from({ length: 11 }, (_, minute) => minute)
        .filter((minute) => (minute * 7 + index * 3) % 4 !== 0)
        .map((minute) => ({
          timestamp: `2026-01-01T12:${String(minute).padStart(2, '0')}:07`,
          value: (minute * 1.7 + index) ** 2 / 3,
        }));
    }
  }
  await gnocchi.ask('POST', '/v1/batch/metrics/measures', { body });
  await eventually(async () => {
    const status = await gnocchi.ask('GET', '/v1/status?details=false');
    expect(status.body).toMatchObject({ storage: { summary: { measures: 0 } } });
    for (const id of Object.keys(body)) {
      if (id === resources['max']!.metrics!['cpu']) continue;
      const rows = await gnocchi.ask('GET', `/v1/metric/${id}/measures?aggregation=mean`);
      expect(rows.body).not.toEqual([]);
    }
  });
}

async function ownAggregates(gnocchi: RealGnocchi, operations: unknown, search?: object): Promise<unknown> {
  const window = 'granularity=60&needed_overlap=0&start=2026-01-01T12:00:30&stop=2026-01-01T12:10:30';
  const body = { operations, ...(search && { search, resource_type: 'instance' }) };
  const answer = await gnocchi.ask('POST', `/v1/aggregates?${window}`, { body });
  const { measures } = answer.body as { measures: { aggregated: [string, number, number][] } };
  return measures.aggregated.map(([at, , value]) => ({
    at: Date.parse(at),
    values: { value: expect.closeTo(value, 9) },
  }));
}

export function ofResource(
  resourceId: string,
  rest: Partial<Extract<GnocchiQuery, { kind: 'resource' }>> = {},
): GnocchiQuery {
  return { kind: 'resource', resourceId, metric: 'cpu', method: 'mean', project: null, ...rest };
}

export function ofMetrics(
  metrics: readonly string[],
  rest: Partial<Extract<GnocchiQuery, { kind: 'metrics' }>> = {},
): GnocchiQuery {
  return { kind: 'metrics', metrics, method: 'mean', project: null, ...rest };
}

export function ofSearch(
  search: object,
  rest: Partial<Extract<GnocchiQuery, { kind: 'resources' }>> = {},
): GnocchiQuery {
  return {
    kind: 'resources',
    search: JSON.stringify(search),
    resourceType: 'instance',
    metric: 'cpu',
    method: 'mean',
    ...rest,
  };
}
