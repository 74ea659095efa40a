import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { LocalServer } from '../../../dev/servers/redis.js';
import { withEnforcedLabel } from '../../../src/datasource/prometheus/promql/enforce.js';
import { startPrometheus, type StoredSeries } from '../../support/prometheus.js';
import { NOON } from '../../support/prometheus-double.js';
import { describeWith } from '../../support/servers.js';

const SEED = 20260101;
const EXPRESSIONS = 600;
const MINUTE = 60_000;

/** Words of PromQL, in each place where one may be a name. */
const WORDS = [
  ...[
    'and',
    'or',
    'unless',
    'atan2',
    'sum',
    'avg',
    'count',
    'count_values',
    'topk',
    'quantile',
    'group',
    'by',
    'without',
    'on',
  ],
  ...[
    'ignoring',
    'group_left',
    'group_right',
    'bool',
    'offset',
    'OFFSET',
    'Offset',
    'start',
    'end',
    'inf',
    'nan',
    'holt_winters',
  ],
  ...['rate', 'time', 'vector', 'double_exponential_smoothing', 'cpu', ':cpu', 'cpu:sum', '_', 'x1'],
];
const WITH_WORD = [
  ...[
    'W',
    'W{}',
    'W{a="b"}',
    'W offset 5m',
    'W{a="b"} offset -1m',
    'rate(W[5m])',
    'W[5m] offset 1m',
    'max_over_time(W[5m:1m])',
  ],
  ...[
    'W @ 5',
    'W @ start()',
    'sum(W)',
    'sum by (W) (W)',
    'sum(W) without (W, a)',
    'count_values("W", W)',
    'topk(1., W)',
    '-W',
    '(W)',
  ],
  ...[
    'W + W',
    'W and W',
    'W unless on(W) W',
    'cpu * on(W) group_left(W) W',
    'cpu > bool W',
    'cpu + ignoring(a) W offset 1m',
  ],
  ...[
    'cpu{W="v"}',
    'cpu{W=~"v",}',
    'W # W offset "\n + W',
    'W or "W offset" or W',
    'holt_winters(W[5m], 0.5, .5)',
    'W W',
  ],
  ...['cpu offset W', 'cpu[W]', 'cpu offset 5m offset W', 'sum W', 'W(W)'],
];
const WITH_NUMBER = [
  ...[
    'N',
    '-N',
    '+ N',
    'cpu > N',
    'cpu + N',
    'N - cpu',
    'N/6.',
    'topk(N, cpu)',
    'cpu @ N',
    'cpu @ N offset 1m',
    'cpu[5m] @ -N',
  ],
  ...[
    'clamp(cpu, N, N)',
    'cpu > bool N',
    'cpu{a="N"} * N',
    'histogram_quantile(N, cpu)',
    'N # N.\n',
    'cpu == N or N',
    'N.',
    'cpuN',
  ],
];
const numberPiece = fc.constantFrom(
  '0',
  '1',
  '7',
  '.',
  'e',
  'E',
  '+',
  '-',
  'x',
  'X',
  '0X',
  '0x',
  'a',
  'F',
  '_',
  'm',
  's',
);
const number = fc.oneof(
  fc.constantFrom(
    '1.',
    '5.',
    '0.',
    '10.',
    '1.e3',
    '2.E-1',
    '5.e+0',
    '0X1F',
    '0Xab',
    '0x1f',
    '.5',
    '1e3',
    '5./6.',
    'Inf',
    'NAN',
  ),
  fc.array(numberPiece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join('')),
);
const string = fc.constantFrom(
  String.raw`"\xff"`,
  String.raw`'a\377é'`,
  String.raw`"\xe2\x82\xac"`,
  String.raw`"\u00fc"`,
  '`\\x`',
);
const filled = (templates: string[], mark: string, value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...templates), value).map(([template, text]) => template.replaceAll(mark, () => text));
const expression = fc.oneof(
  filled(WITH_WORD, 'W', fc.constantFrom(...WORDS)),
  filled(WITH_NUMBER, 'N', number),
  filled(['S', 'cpu{a=S}', 'cpu{a!=S} or cpu', 'label_replace(cpu, "a", S, "b", "(.*)")'], 'S', string),
);

/** Series of another project alone, under each name that an expression can read. */
const OTHERS: StoredSeries[] = [...new Set([...WORDS, 'cpu'])]
  .filter((name) => !/^(inf|nan)$/.test(name))
  .map((metric) => ({
    metric,
    labels: { tenant: 'p2', a: 'b' },
    points: Array.from({ length: 10 }, (_, ago): [number, number] => [NOON.getTime() - ago * MINUTE, ago + 1]),
  }));

interface Answer {
  status: string;
  data?: unknown;
}

describeWith(['prometheus'], 'a real Prometheus', () => {
  let full: LocalServer;
  let empty: LocalServer;

  beforeAll(async () => {
    [full, empty] = await Promise.all([startPrometheus({ series: OTHERS }), startPrometheus()]);
  });
  afterAll(() => Promise.all([full.stop(), empty.stop()]));

  async function ask({ url }: LocalServer, route: string, promql: string): Promise<Answer> {
    const body = new URLSearchParams({ query: promql, ...(route === 'query' && { time: NOON.toISOString() }) });
    const response = await fetch(`${url}/api/v1/${route}`, { method: 'POST', body });
    const { status, data } = (await response.json()) as Answer;
    return { status, data };
  }
  const reads = async (promql: string): Promise<boolean> =>
    (await ask(empty, 'format_query', promql)).status === 'success';

  test(
    'accepts each query that this parser accepts, and the answer to a ' +
      'project does not depend on the series of another project',
    async () => {
      const expressions = [...new Set(fc.sample(expression, { numRuns: EXPRESSIONS, seed: SEED }))];
      const [misread, leaks]: string[][] = [[], []];
      let [read, seen] = [0, 0];
      for (const promql of expressions) {
        if (!(await reads(promql))) continue;
        const enforced = withEnforcedLabel(promql, 'tenant', 'p1');
        if ('problem' in enforced || !(await reads(enforced.promql))) {
          misread!.push(`${promql} -> ${JSON.stringify(enforced)}`);
          continue;
        }
        read += 1;
        const nothing = await ask(empty, 'query', enforced.promql);
        const beside = await ask(full, 'query', enforced.promql);
        if (JSON.stringify(beside) !== JSON.stringify(nothing)) leaks!.push(`${promql} -> ${enforced.promql}`);
        const plain = [await ask(full, 'query', promql), await ask(empty, 'query', promql)];
        if (JSON.stringify(plain[0]) !== JSON.stringify(plain[1])) seen += 1;
      }
      expect([misread, leaks]).toEqual([[], []]);
      // The test would detect a leak: many of the expressions read the series as long as nothing is enforced.
      expect(read).toBeGreaterThan(EXPRESSIONS / 4);
      expect(seen).toBeGreaterThan(read / 4);
    },
  );
});
