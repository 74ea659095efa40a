import { afterEach, beforeEach, expect, test } from '@jest/globals';

import type { SeriesNeed } from '../../../src/alarm/series.js';
import { createSystemClock } from '../../../src/clock.js';
import { createBackendGate } from '../../../src/datasource/gate/gate.js';
import type { BackendObserver, Datasource } from '../../../src/datasource/datasource.js';
import { createGnocchiClient } from '../../../src/datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource } from '../../../src/datasource/gnocchi/gnocchi.js';
import { createOctaviaClient } from '../../../src/datasource/octavia/octavia-client.js';
import { createOctaviaDatasource } from '../../../src/datasource/octavia/octavia.js';
import { createPrometheusClient } from '../../../src/datasource/prometheus/prometheus-client.js';
import { createPrometheusDatasource } from '../../../src/datasource/prometheus/prometheus.js';
import { NOON } from '../../support/builders.js';
import { PATIENCE_MS } from '../../support/patience.js';
import { startReceiver, type Receiver } from '../../support/receiver-server.js';

let server: Receiver;
let datasource: Datasource<SeriesNeed['query']> | undefined;
let observed: string[];
const observer: BackendObserver = {
  succeeded: () => void observed.push('succeeded'),
  failed: (reason) => void observed.push(reason),
};

beforeEach(async () => {
  observed = [];
  server = await startReceiver((_, response) => void response.end('{}'));
});
afterEach(async () => {
  datasource?.close?.();
  await server.close();
});

const UUID = '00000000-0000-4000-8000-000000000001';
const method = 'mean';

interface Backend {
  open: () => Datasource<SeriesNeed['query']>;
  queries: SeriesNeed['query'][];
}

const BACKENDS: Record<string, Backend> = {
  prometheus: {
    open: () => {
      const client = createPrometheusClient({ url: server.url, auth: { kind: 'none' }, timeoutMs: PATIENCE_MS });
      return createPrometheusDatasource({ client, tenancy: { kind: 'none' }, observer });
    },
    queries: ['up{n="1"}', 'up{n="2"}', 'sum(load)'].map((promql) => ({ promql, project: null })),
  },
  gnocchi: {
    open: () =>
      createGnocchiDatasource({
        client: createGnocchiClient({
          url: server.url,
          auth: { kind: 'basic', user: 'admin' },
          timeoutMs: PATIENCE_MS,
        }),
        observer,
        clock: createSystemClock(),
        creator: () => Promise.resolve('admin'),
        externalOwner: () => Promise.resolve(null),
      }),
    queries: [
      { kind: 'resource', resourceId: UUID, metric: 'cpu', method, project: null },
      { kind: 'metrics', metrics: [UUID], method, project: null },
      { kind: 'resources', search: '{}', resourceType: 'generic', metric: 'cpu', method },
    ],
  },
  octavia: {
    open: () => {
      const url = (): Promise<string> => Promise.resolve(server.url);
      const client = createOctaviaClient({ url, tokens: undefined, ca: undefined, timeoutMs: PATIENCE_MS });
      const gate = createBackendGate({ concurrency: 2, observer, probe: () => Promise.resolve() });
      return createOctaviaDatasource({ client, gate, creationTimeS: 120 });
    },
    queries: [
      { poolId: 'pool 1', project: null },
      { poolId: 'pool 2', project: 'p' },
    ],
  },
};

test.each(Object.keys(BACKENDS))(
  'queries whose requests are not sent in time are behind, which is no outage: %s',
  async (name) => {
    const { open, queries } = BACKENDS[name] as Backend;
    datasource = open();
    const keyed = queries.map((query, index) => ({ key: `q${index}`, query, ticket: index }));
    const limits = { now: NOON, signal: new AbortController().signal, sendBy: AbortSignal.abort() };
    const answers = await datasource.answers({ granularityS: 60, periods: 1, lagS: 0, queries: keyed }, limits);
    const behind = {
      kind: 'outage',
      reason: 'not asked yet: Tocsin has more requests than the backend answers in time',
      isUnsent: true,
    };
    expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(keyed.map(({ key }) => [key, behind])));
    expect(server.requests).toEqual([]);
    expect(observed).toEqual([]);
  },
);
