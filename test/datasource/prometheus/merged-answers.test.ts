import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { withEnforcedLabel } from '../../../src/datasource/prometheus/promql/enforce.js';
import { mergeParametersOf, mergedPromql, selectAllPromql } from '../../../src/datasource/prometheus/promql/merge.js';
import { quoted } from '../../../src/datasource/prometheus/promql/string-literal.js';
import { evaluated, EvaluationError, keyOf, without, type StoredSeries, type Valued } from './promql-evaluator.js';
import { HOST, HOSTS, storedSeries, vectorQueries } from './promql-queries.js';

const hostsAndSeries = fc
  .uniqueArray(fc.constantFrom(...HOSTS), { minLength: 1, maxLength: 3 })
  .chain((hosts) => fc.tuple(fc.constant(hosts), storedSeries(hosts)));

test('a merged query gives each of its members the same values under the same labels as alone', () => {
  let answers = 0;
  let merged = 0;
  /** Series whose label is not part of the answer to the query alone. */
  let added = 0;
  fc.assert(
    fc.property(vectorQueries, hostsAndSeries, (query, [values, stored]) => {
      const members = values.map((value) => ({ value, promql: query.replaceAll(HOST, () => quoted(value)) }));
      const parameters = members.map(({ promql }) => mergeParametersOf(promql).find(({ label }) => label === 'host'));
      const [parameter] = parameters;
      if (!parameter) return;
      merged += 1;
      expect(parameters).toEqual(values.map((value) => ({ ...parameter, value })));

      const together = answerOf(mergedPromql(parameter, values), stored);
      const each = members.map(({ promql }) => answerOf(promql, stored));
      // The server refuses the merged query exactly if it would refuse one of them.
      expect(together === null).toBe(each.includes(null));
      for (const [index, value] of values.entries()) {
        const slice = together?.filter(({ labels }) => labels['host'] === value);
        if (!slice) break;
        answers += slice.length;
        expect(comparable(slice)).toEqual(comparable(each[index] ?? []));
        const hasLabel = each[index]?.map(({ labels }) => Object.hasOwn(labels, 'host'));
        expect(hasLabel?.filter((has) => has === parameter.isLabelAdded) ?? []).toEqual([]);
        added += parameter.isLabelAdded ? slice.length : 0;
      }
      expect(together?.every(({ labels }) => values.includes(labels['host'] ?? '')) ?? true).toBe(true);
    }),
    { numRuns: 800 },
  );
  expect(merged).toBeGreaterThan(300);
  expect(added).toBeGreaterThan(50);
  expect(answers).toBeGreaterThan(400);
});

test(
  'a select-all query gives each value what the query for it alone ' +
    'gives, among series of other values and of none',
  () => {
    let answers = 0;
    let foreign = 0;
    fc.assert(
      fc.property(vectorQueries, hostsAndSeries, (query, [values, stored]) => {
        const wanted = values.slice(0, 2);
        const members = wanted.map((value) => query.replaceAll(HOST, () => quoted(value)));
        const parameter = mergeParametersOf(members[0]!).find(({ label }) => label === 'host');
        if (!parameter) return;
        const all = answerOf(selectAllPromql(parameter, wanted), stored);
        const each = members.map((promql) => answerOf(promql, stored));
        // The select-all query is refused if a member alone is refused. It may also be refused because of other series.
        if (all === null) return;
        for (const [index, value] of wanted.entries()) {
          const slice = all.filter(({ labels }) => labels['host'] === value);
          answers += slice.length;
          expect(comparable(slice)).toEqual(comparable(each[index]!));
        }
        foreign += all.filter(({ labels }) => !wanted.includes(labels['host'] ?? '')).length;
      }),
      { numRuns: 800 },
    );
    expect(answers).toBeGreaterThan(400);
    expect(foreign).toBeGreaterThan(200);
  },
);

test('a limited query sees the series of its project as if there were no others', () => {
  let answers = 0;
  fc.assert(
    fc.property(vectorQueries, fc.constantFrom('"web-1"', '""'), storedSeries(['web-1']), (query, host, stored) => {
      const promql = query.replaceAll(HOST, host);
      const narrowed = withEnforcedLabel(promql, 'tenant', 'p1');
      if ('problem' in narrowed) throw new Error(narrowed.problem);
      const own = stored.filter(({ labels }) => labels['tenant'] === 'p1');
      const answer = answerOf(narrowed.promql, stored);
      answers += answer?.length ?? 0;
      expect(answer).toEqual(answerOf(promql, own));
    }),
    { numRuns: 800 },
  );
  expect(answers).toBeGreaterThan(300);
});

test.each([
  {
    when: 'an aggregation would mix the values',
    alone: 'sum(cpu{host="web"})',
    together: 'sum(cpu{host=~"web|web-1"})',
  },
  {
    when: 'a match would reach across the values',
    alone: 'cpu{host="web"} - on(job) cpu{host="web"}',
    together: 'cpu{host=~"web|web-1"} - on(job) cpu{host=~"web|web-1"}',
  },
])('the reference evaluator of these tests detects a wrong merge: $when', ({ alone, together }) => {
  const stored = ['web', 'web-1'].map((host, index) => ({
    labels: { __name__: 'cpu', host, job: 'api' },
    samples: [index + 1],
  }));
  const slice = answerOf(together, stored)?.filter(({ labels }) => labels['host'] === 'web') ?? null;
  expect(slice && comparable(slice)).not.toEqual(comparable(answerOf(alone, stored) ?? []));
});

/** Null if the server would refuse it. */
function answerOf(promql: string, stored: readonly StoredSeries[]): Valued[] | null {
  try {
    return evaluated(promql, stored);
  } catch (thrown) {
    if (thrown instanceof EvaluationError) return null;
    throw thrown;
  }
}

/** Without the label of the merge parameter: an aggregation alone may have dropped it. */
function comparable(series: readonly Valued[]): string[] {
  return series.map(({ labels, value }) => `${keyOf(without(labels, ['host']))} ${value}`).sort();
}
