import { randomUUID } from 'node:crypto';

import type { GnocchiQuery } from '../../../src/alarm/series.js';
import { createSystemClock } from '../../../src/clock.js';
import type { Datasource } from '../../../src/datasource/datasource.js';
import { createGnocchiClient } from '../../../src/datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource } from '../../../src/datasource/gnocchi/gnocchi.js';
import { datasourceContract, METRICS, PERIODS, storedValue, type Subject } from '../../contract/datasource.js';
import { ADMIN_TOKEN, startGnocchi, type RealGnocchi } from '../../support/gnocchi.js';
import { PATIENCE_MS } from '../../support/patience.js';
import { describeWith } from '../../support/servers.js';

const NOW = new Date('2026-01-01T12:10:30Z');
const PERIOD_S = 60;

interface Stored {
  id: string;
  metric: string;
}

function datasourceAt(url: string): Datasource<GnocchiQuery> {
  const tokens = { token: () => Promise.resolve(ADMIN_TOKEN), renew: () => Promise.resolve(ADMIN_TOKEN) };
  return createGnocchiDatasource({
    client: createGnocchiClient({ url, auth: { kind: 'token', tokens }, timeoutMs: PATIENCE_MS }),
    observer: { succeeded: () => undefined, failed: () => undefined },
    clock: createSystemClock(),
    creator: () => Promise.resolve('admin-user:admin-project'),
    externalOwner: () => Promise.resolve(null),
  });
}

/** A resource of each metric, in a server group of its own. */
async function store(gnocchi: RealGnocchi): Promise<Stored[]> {
  const create = async (path: string, body: object): Promise<{ id: string; metrics?: Record<string, string> }> => {
    const answer = await gnocchi.ask('POST', path, { body });
    if (answer.status !== 201) throw new Error(`not made: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as { id: string; metrics?: Record<string, string> };
  };
  const group = { type: 'string', required: false, max_length: 255 };
  await create('/v1/resource_type', { name: 'instance', attributes: { server_group: group } });
  const definition = [{ granularity: `${PERIOD_S}s` }];
  await create('/v1/archive_policy', { name: 'minutes', aggregation_methods: ['mean'], definition });
  const all: Stored[] = [];
  for (let n = 0; n < METRICS; n += 1) {
    const metrics = { cpu: { archive_policy_name: 'minutes' } };
    const made = await create('/v1/resource/instance', { id: randomUUID(), server_group: `group-${n}`, metrics });
    all.push({ id: made.id, metric: made.metrics!['cpu']! });
  }
  // The newest period is the one that contains now.
  const newest = Math.floor(NOW.getTime() / 60_000) * 60_000;
  const measures = all.map(({ metric }, n) => {
    const values = Array.from({ length: PERIODS }, (_, age) => ({
      timestamp: new Date(newest - age * 60_000 + 7_000).toISOString().slice(0, -1),
      value: storedValue(n, age),
    }));
    return [metric, values.reverse()] as const;
  });
  await gnocchi.ask('POST', '/v1/batch/metrics/measures', { body: Object.fromEntries(measures) });
  await gnocchi.process(all.map(({ metric }) => metric));
  return all;
}

async function subject(): Promise<Subject<GnocchiQuery>> {
  const gnocchi = await startGnocchi({ tokens: true });
  const all = await store(gnocchi);
  const datasource = datasourceAt(gnocchi.url);
  const unreachable = datasourceAt('http://127.0.0.1:9');
  const method = 'mean';
  const ofMetrics = (metrics: string[], project: string | null): GnocchiQuery => ({
    kind: 'metrics',
    metrics,
    method,
    project,
  });
  return {
    datasource,
    unreachable,
    kind: 'gnocchi',
    now: NOW,
    granularityS: PERIOD_S,
    query: (n) => {
      const { id: resourceId, metric } = all[n]!;
      const project = n % 2 === 0 ? 'admin-project' : null;
      if (n % 3 === 0) return { kind: 'resource', resourceId, metric: 'cpu', method, project };
      if (n % 3 === 1) return ofMetrics([metric], project);
      const search = JSON.stringify({ '=': { server_group: `group-${n}` } });
      return { kind: 'resources', search, resourceType: 'instance', metric: 'cpu', method };
    },
    absent: ofMetrics([randomUUID()], null),
    refused: { kind: 'resource', resourceId: all[0]!.id, metric: 'cpu', method: 'max', project: null },
    hidden: ofMetrics([all[1]!.metric], 'somebody-else'),
    close: async () => {
      datasource.close?.();
      unreachable.close?.();
      await gnocchi.stop();
    },
  };
}

describeWith(['postgres', 'gnocchi'], 'a real Gnocchi', () => datasourceContract(subject));
