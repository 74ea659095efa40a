import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { BackendAnswer } from '../../../src/alarm/series.js';
import type { LocalServer } from '../../../dev/servers/redis.js';
import { quoted } from '../../../src/datasource/prometheus/promql/string-literal.js';
import { startPrometheus, type StoredSeries } from '../../support/prometheus.js';
import {
  askAbout,
  keyOf,
  NOON,
  prometheusAt,
  valuesOf,
  type Observed,
  type Queries,
} from '../../support/prometheus-double.js';
import { describeWith } from '../../support/servers.js';
import { HOST, HOSTS, storedSeries, vectorQueries } from './promql-queries.js';

const MINUTE = 60_000;
const SEED = 20260101;
/** Templates of queries, each of which is sent for all hosts. */
const SHAPES = 100;
const ODD = [NaN, Infinity, -Infinity];

/**
 * Series of wanted hosts, of others and of none; some end in a gap, so that they are gone by noon, and some have values
 * that are not numbers.
 */
function stored(): StoredSeries[] {
  const batches = fc.sample(storedSeries(HOSTS), { numRuns: 20, seed: SEED });
  const byLabels = new Map(
    batches.flat().map((series) => [JSON.stringify(Object.entries(series.labels).sort()), series]),
  );
  return [...byLabels.values()].map(({ labels: { __name__: metric = '', ...labels }, samples }, index) => ({
    metric,
    labels,
    points: samples.flatMap((value, ago): [number, number][] =>
      value === null ? [] : [[NOON.getTime() - ago * MINUTE, (index + ago) % 11 === 0 ? ODD[index % 3]! : value]],
    ),
  }));
}

/** Series have no order. */
function comparable(answer: BackendAnswer | undefined): unknown {
  const values = valuesOf(answer);
  return answer?.kind === 'series' ? (values as number[][]).map(String).sort() : values;
}

describeWith(['prometheus'], 'a real Prometheus', () => {
  let server: LocalServer;
  let selecting: Observed;
  let plain: Observed;

  beforeAll(async () => {
    const tenancy = { kind: 'label', label: 'tenant' } as const;
    server = await startPrometheus({ series: stored(), lookback: '59s' });
    selecting = prometheusAt(server.url, { tenancy, selectAll: { fromMembers: 2, maxSeriesPerMember: Infinity } });
    plain = prometheusAt(server.url, { tenancy });
  });
  afterAll(async () => {
    selecting.datasource.close?.();
    plain.datasource.close?.();
    await server.stop();
  });

  async function alone(queries: Queries): Promise<Record<string, BackendAnswer>> {
    const each = await Promise.all(queries.map((query) => askAbout(plain, [query])));
    return Object.assign({}, ...each) as Record<string, BackendAnswer>;
  }

  test('answers a select-all query with the answers of the queries alone', async () => {
    let swept = 0;
    let values = 0;
    let refused = 0;
    for (const [index, shape] of fc.sample(vectorQueries, { numRuns: SHAPES, seed: SEED }).entries()) {
      const texts = HOSTS.map((host) => shape.replaceAll(HOST, () => quoted(host)));
      const queries: Queries =
        index % 3 === 0 ? texts.map((promql) => ({ promql, project: 'p1' })) : [...new Set(texts)];
      const sent: string[] = [];
      const trace = { sent: (request: string) => void sent.push(request), dropped: () => undefined };
      const [together, each] = [await askAbout(selecting, queries, { trace }), await alone(queries)];
      for (const query of queries) {
        const key = keyOf(query);
        expect([key, comparable(together[key])]).toEqual([key, comparable(each[key])]);
        if (each[key]?.kind === 'series') values += each[key].series.length;
        else refused += 1;
      }
      const answered = sent.filter((request) => !request.includes('query=count('));
      if (answered.length === 1 && /host ?!=/.test(answered[0]!)) swept += 1;
    }
    expect(swept).toBeGreaterThan(SHAPES / 4);
    expect(values).toBeGreaterThan(SHAPES);
    expect(refused).toBeGreaterThan(0);
  });
});
