import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import type { BackendAnswer, GnocchiQuery } from '../../../src/alarm/series.js';
import { createSystemClock } from '../../../src/clock.js';
import type { Datasource } from '../../../src/datasource/datasource.js';
import { createGnocchiClient } from '../../../src/datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource } from '../../../src/datasource/gnocchi/gnocchi.js';
import { startGnocchi, type RealGnocchi } from '../../support/gnocchi.js';
import { PATIENCE_MS } from '../../support/patience.js';
import { describeWith } from '../../support/servers.js';

const NOW = new Date('2026-01-01T13:00:30Z');
const MINUTES = 50;
const RESOURCES = 40;
const METHODS = ['min', 'max', 'median', 'sum', 'mean', 'std'];
/** The difference between one float and the next, relative to their size. */
const STEP = 2 ** -52;

describeWith(['postgres', 'gnocchi'], 'merged searches of a real Gnocchi', () => {
  let gnocchi: RealGnocchi;
  let datasource: Datasource<GnocchiQuery>;

  beforeAll(async () => {
    gnocchi = await startGnocchi();
    datasource = createGnocchiDatasource({
      client: createGnocchiClient({ url: gnocchi.url, auth: { kind: 'basic', user: 'admin' }, timeoutMs: PATIENCE_MS }),
      observer: { succeeded: () => undefined, failed: () => undefined },
      clock: createSystemClock(),
      creator: () => Promise.resolve('admin'),
      externalOwner: () => Promise.resolve(null),
    });
    const text = { type: 'string', required: false, max_length: 255 };
    await gnocchi.ask('POST', '/v1/resource_type', { body: { name: 'instance', attributes: { server_group: text } } });
    const policy = { name: 'minutes', aggregation_methods: METHODS, definition: [{ granularity: '60s' }] };
    await gnocchi.ask('POST', '/v1/archive_policy', { body: policy });
    const body: Record<string, object[]> = {};
    for (let index = 0; index < RESOURCES; index += 1) {
      const metrics = { cpu: { archive_policy_name: 'minutes' } };
      const resource = { id: randomUUID(), server_group: index % 2 === 0 ? 'even' : 'odd', metrics };
      const made = await gnocchi.ask('POST', '/v1/resource/instance', { body: resource });
      // Two values a minute, so that there is a deviation.
      body[(made.body as { metrics: { cpu: string } }).metrics.cpu] = Array.from(
        { length: 2 * MINUTES },
        (_, half) => ({
          timestamp: new Date(Date.parse('2026-01-01T12:10:07Z') + half * 30_000).toISOString().slice(0, 19),
          value: ((index * 7919 + half * 104_729) % 9973) / 97.3 + 1,
        }),
      );
    }
    await gnocchi.ask('POST', '/v1/batch/metrics/measures', { body });
    await gnocchi.process(Object.keys(body));
  });
  afterAll(async () => {
    datasource.close?.();
    await gnocchi.stop();
  });

  async function ask(groups: readonly string[], method: string): Promise<number[]> {
    const queries = groups.map((group): { key: string; query: GnocchiQuery } => ({
      key: group,
      query: {
        kind: 'resources',
        search: JSON.stringify({ '=': { server_group: group } }),
        resourceType: 'instance',
        metric: 'cpu',
        method,
      },
    }));
    const request = { granularityS: 60, periods: MINUTES, lagS: 0, queries };
    const answers = await datasource.answers(request, { now: NOW, signal: new AbortController().signal });
    return valuesOf(answers.get(groups[0]!)!);
  }

  function valuesOf(answer: BackendAnswer): number[] {
    if (answer.kind !== 'series') throw new Error(answer.kind);
    return answer.series[0]!.map(({ values }) => values['value']!);
  }

  /** The largest relative difference. */
  async function difference(method: string): Promise<number> {
    const [alone, together] = [await ask(['even'], method), await ask(['even', 'odd'], method)];
    expect(together).toHaveLength(MINUTES);
    return Math.max(...together.map((value, index) => Math.abs(value - alone[index]!) / Math.abs(alone[index]!)));
  }

  test.each(['min', 'max', 'median'])('have the same %s as alone, to the last digit', async (method) => {
    expect(await difference(method)).toBe(0);
  });

  // Gnocchi adds up the resources of several searches in the order of their ids, not of their start.
  test.each(['sum', 'mean', 'std'])(
    'have a %s that differs from the one alone by no more than one step of a float for each resource',
    async (method) => {
      expect(await difference(method)).toBeLessThanOrEqual((RESOURCES / 2) * STEP);
    },
  );
});
