import { afterAll, beforeAll, expect, test } from '@jest/globals';

import type { LocalServer } from '../../../dev/servers/redis.js';
import type { BackendAnswer } from '../../../src/alarm/series.js';
import { prometheus } from '../../../src/app/datasources/prometheus.js';
import { parseConfig } from '../../../src/config/parse.js';
import { startPrometheus } from '../../support/prometheus.js';
import { askAbout, NOON, valuesOf } from '../../support/prometheus-double.js';
import { describeWith } from '../../support/servers.js';

/** As many as make a select-all query worth it, and each with a series. */
const QUERIES = Array.from({ length: 600 }, (_, n) => `cpu{instance="i${n}"}`);

describeWith(['prometheus'], 'with a real Prometheus', () => {
  let server: LocalServer;
  let byDefault: Record<string, BackendAnswer>;

  beforeAll(async () => {
    const series = QUERIES.map((_, n) => ({
      metric: 'cpu',
      labels: { instance: `i${n}` },
      points: [[NOON.getTime(), n] as [number, number]],
    }));
    server = await startPrometheus({ series });
    byDefault = (await cycle({})).answers;
  });
  afterAll(() => server.stop());

  /** Answers and requests of a cycle, after a first one in which the series are counted. */
  async function cycle(options: object): Promise<{ answers: Record<string, BackendAnswer>; sent: string[] }> {
    const observer = { succeeded: () => undefined, failed: () => undefined };
    const config = parseConfig({ prometheus: { url: server.url, ...options } });
    const datasource = prometheus.open({ config, observerOf: () => observer }).get(null)!;
    const sent: string[] = [];
    const trace = { sent: (request: string) => void sent.push(request), dropped: () => undefined };
    await askAbout({ datasource, outcomes: [] }, QUERIES);
    const answers = await askAbout({ datasource, outcomes: [] }, QUERIES, { trace });
    datasource.close?.();
    return { answers, sent };
  }

  test('the answers that are compared have the values of the series', () => {
    expect(Object.values(byDefault).map(valuesOf)).toEqual(QUERIES.map((_, n) => [[n]]));
  });

  test.each([
    { options: {}, requests: 1, form: /instance!="-"/ },
    { options: { select_all: false }, requests: 1, form: /instance=~"/ },
    { options: { select_all: false, queries_per_request: 100 }, requests: 6, form: /instance=~"/ },
    { options: { queries_per_request: 100 }, requests: 1, form: /instance!="-"/ },
    { options: { queries_per_request: 1 }, requests: 600, form: /instance="i\d+"/ },
  ])('the same answers come from $requests requests with $options', async ({ options, requests, form }) => {
    const { answers, sent } = await cycle(options);
    expect(answers).toEqual(byDefault);
    expect(sent).toHaveLength(requests);
    for (const request of sent) expect(request).toMatch(form);
  });
});
