import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { windowStart, type BackendAnswer, type SeriesNeed } from '../../src/alarm/series.js';
import type { Datasource, SeriesRequest, Trace } from '../../src/datasource/datasource.js';

/**
 * A datasource of a real backend that has `METRICS` metrics, each with a value in each of the last `PERIODS` periods
 * before `now`.
 */
export interface Subject<Query> {
  datasource: Datasource<Query>;
  /** The same kind of datasource, for a backend that is not there. */
  unreachable: Datasource<Query>;
  now: Date;
  granularityS: number;
  /** The query for the n-th metric. */
  query(n: number): Query;
  /** A query for something that does not exist. */
  absent: Query;
  /** A query that the backend refuses; undefined if there is none. */
  refused?: Query;
  /** The query of another project for existing data. */
  hidden: Query;
  /** The beginning of the window of an alarm with so many periods, as the evaluator cuts it. */
  kind: SeriesNeed['datasource'];
  close(): Promise<void>;
}

/** Real backends take their time to start. */
const START_TIMEOUT_MS = 240_000;

export const METRICS = 12;
export const PERIODS = 6;

/** The stored value of metric n in the period that is the `age`-th before now (0 is the newest). */
export function storedValue(n: number, age: number): number {
  return n * 100 + (PERIODS - age) + 0.5;
}

/** The behaviour of all datasources that evaluators rely on. */
export function datasourceContract<Query>(open: () => Promise<Subject<Query>>): void {
  let subject: Subject<Query>;
  const signal = new AbortController().signal;

  beforeAll(async () => {
    subject = await open();
  }, START_TIMEOUT_MS);
  afterAll(() => subject.close());

  function request(queries: Record<string, Query>, periods = 4): SeriesRequest<Query> {
    const keyed = Object.entries(queries).map(([key, query]) => ({ key, query }));
    return { granularityS: subject.granularityS, periods, lagS: 0, queries: keyed };
  }

  function ask(asked: SeriesRequest<Query>, datasource = subject.datasource, trace?: Trace) {
    return datasource.answers(asked, { now: subject.now, signal, trace });
  }

  function valuesOf(answer: BackendAnswer | undefined): unknown {
    return answer?.kind === 'series'
      ? answer.series.map((one) => one.map(({ values }) => Object.values(values).at(-1)))
      : answer;
  }

  function all(count: number, first = 0): Record<string, Query> {
    return Object.fromEntries(Array.from({ length: count }, (_, n) => [`q${first + n}`, subject.query(first + n)]));
  }

  /** The part of an answer that an alarm with `periods` periods uses. */
  function cut(answer: BackendAnswer | undefined, periods: number): unknown {
    if (answer?.kind !== 'series') return answer;
    const { kind: datasource, granularityS, now } = subject;
    const start = windowStart({ datasource, granularityS, periods, lagS: 0 }, now.getTime());
    return answer.series.map((one) => one.filter(({ at }) => at >= start));
  }

  describe('an answer', () => {
    test('is there for every query, by its key', async () => {
      const answers = await ask(request(all(METRICS)));
      expect([...answers.keys()].sort()).toEqual(Object.keys(all(METRICS)).sort());
    });

    test('holds the values of the window, oldest first', async () => {
      const answers = await ask(request({ q: subject.query(3) }, PERIODS));
      const values = (valuesOf(answers.get('q')) as number[][])[0] ?? [];
      expect(values.length).toBeGreaterThanOrEqual(PERIODS - 1);
      expect(values).toEqual(
        Array.from({ length: PERIODS }, (_, n) => storedValue(3, PERIODS - 1 - n)).slice(-values.length),
      );
    });

    test('is the same in a merged request as alone', async () => {
      const together = await ask(request(all(METRICS)));
      for (const [key, query] of Object.entries(all(METRICS))) {
        const alone = await ask(request({ [key]: query }));
        expect([key, together.get(key)]).toEqual([key, alone.get(key)]);
      }
    });

    test('to a query with a wider window contains the answer for a narrower one unchanged', async () => {
      for (const periods of [1, 2, 3, 4]) {
        const narrow = await ask(request({ q: subject.query(1) }, periods));
        const wide = await ask(request({ q: subject.query(1) }, 8));
        expect(cut(wide.get('q'), periods)).toEqual(cut(narrow.get('q'), periods));
      }
    });

    test('to a query for something that does not exist says so, or is empty', async () => {
      const answer = (await ask(request({ nothing: subject.absent }))).get('nothing');
      if (answer?.kind !== 'absent') expect((valuesOf(answer) as unknown[][]).flat()).toEqual([]);
    });

    test('to a query for data of another project is as if they did not exist', async () => {
      const answer = (await ask(request({ hidden: subject.hidden }))).get('hidden');
      if (answer?.kind !== 'absent') expect((valuesOf(answer) as unknown[][]).flat()).toEqual([]);
    });

    test('is recorded by a trace, without address or credentials', async () => {
      const sent: string[] = [];
      await ask(request(all(2)), subject.datasource, { sent: (text) => sent.push(text), dropped: () => undefined });
      expect(sent.length).toBeGreaterThan(0);
      expect(sent.join('\n')).not.toMatch(/127\.0\.0\.1|localhost|authorization|basic |x-auth-token/i);
    });
  });

  describe('a bad query', () => {
    test('does no harm to good ones in the same call', async () => {
      const { absent, refused } = subject;
      const good = all(METRICS);
      const bad: Record<string, Query> = { absent, ...(refused === undefined ? {} : { refused }) };
      const answers = await ask(request({ ...bad, ...good }));
      const without = await ask(request(good));
      for (const key of Object.keys(good)) expect([key, answers.get(key)]).toEqual([key, without.get(key)]);
      if (refused !== undefined) expect(answers.get('refused')).toMatchObject({ kind: 'refused' });
    });
  });

  describe('an unavailable backend', () => {
    test('is an outage for every query, with a reason that names no address', async () => {
      const answers = await ask(request(all(METRICS)), subject.unreachable);
      expect(answers.size).toBe(METRICS);
      for (const answer of answers.values()) {
        expect(answer).toEqual({
          kind: 'outage',
          reason: expect.not.stringMatching(/127\.0\.0\.1|localhost|:\d{2,}|ECONN/),
        });
      }
    });

    test('is an outage the second time too, and answers of an available backend are not affected', async () => {
      const [gone, there] = await Promise.all([ask(request(all(2)), subject.unreachable), ask(request(all(2)))]);
      expect([...gone.values()].map(({ kind }) => kind)).toEqual(['outage', 'outage']);
      expect([...there.values()].map(({ kind }) => kind)).toEqual(['series', 'series']);
    });

    test('does not delay a query beyond its deadline', async () => {
      const expired = AbortSignal.abort(new Error('time is up'));
      const answers = await subject.datasource.answers(request(all(2)), { now: subject.now, signal: expired });
      expect([...answers.keys()].sort()).toEqual(['q0', 'q1']);
    });
  });
}
