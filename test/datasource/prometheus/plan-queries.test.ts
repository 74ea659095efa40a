import { expect, test } from '@jest/globals';

import type { PrometheusQuery } from '../../../src/alarm/series.js';
import type { KeyedQuery } from '../../../src/datasource/datasource.js';
import { createPlanCache } from '../../../src/datasource/prometheus/plan-cache.js';
import { planQueries, splitInHalves, type PlanOptions } from '../../../src/datasource/prometheus/plan-queries.js';

const OPTIONS: PlanOptions = { tenancy: { kind: 'label', label: 'project' }, queriesPerRequest: 1_000 };

function queries(from: number, count: number): KeyedQuery<PrometheusQuery>[] {
  return Array.from({ length: count }, (_, index) => {
    const promql = `rate(requests{instance="i${from + index}"}[5m])`;
    return { key: `q${from + index}`, query: { promql, project: 'p' } };
  });
}

test('parsing many new queries yields to the event loop', async () => {
  const planning = planQueries(queries(0, 1_000), OPTIONS);
  const planned = planning.then(() => 'planned');
  const pause = (): Promise<string> => new Promise((resolve) => setImmediate(() => resolve('turn')));
  let turns = 0;
  while ((await Promise.race([planned, pause()])) === 'turn') turns += 1;
  expect((await planning).queries.map(({ members }) => members.length)).toEqual([1_000]);
  expect(turns).toBeGreaterThan(10);
});

test('plans are cached up to a number of queries, the latest ones', async () => {
  const plans = createPlanCache({ plan: (some) => planQueries(some, OPTIONS), maxQueries: 25 });
  const [a, b, c] = [queries(0, 10), queries(10, 10), queries(20, 10)];
  const planOfA = await plans.planOf(a);
  const planOfB = await plans.planOf(b);
  expect(await plans.planOf(a)).toBe(planOfA);
  await plans.planOf(c);
  expect(await plans.planOf(a)).toBe(planOfA);
  expect(await plans.planOf(b)).not.toBe(planOfB);
});

test('a division that is kept gives later calls another plan, and changes no plan that is in use', async () => {
  const plans = createPlanCache({ plan: (some) => planQueries(some, OPTIONS) });
  const asked = queries(0, 10);
  const inUse = await plans.planOf(asked);
  const before = [...inUse.queries];
  const halves = inUse.queries.flatMap(splitInHalves);

  plans.keepDivided(asked, halves);

  expect(inUse.queries).toEqual(before);
  expect((await plans.planOf(asked)).queries).toEqual(halves);
  expect((await plans.planOf(queries(10, 10))).queries).not.toEqual(halves);
});
