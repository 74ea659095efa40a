import { beforeEach, describe, expect, test } from '@jest/globals';

import type { BackendAnswer, GnocchiQuery, PrometheusQuery } from '../../../src/alarm/series.js';
import type { Datasource } from '../../../src/datasource/datasource.js';
import type { GnocchiClient } from '../../../src/datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource } from '../../../src/datasource/gnocchi/gnocchi.js';
import { createPrometheusDatasource } from '../../../src/datasource/prometheus/prometheus.js';
import { FakeClock } from '../../support/fake-clock.js';

const DEADLINE_MS = 10_000;
const WELL = 40;
/** As many evaluations as fit into the grace of an alarm. */
const LOOKS = 24;

let clock: FakeClock;
/** Duration of a good answer. */
const WELL_MS = 50;

beforeEach(() => {
  clock = new FakeClock('2026-01-01T12:00:00Z');
});

const observer = { succeeded: () => undefined, failed: () => undefined };

async function answered<T>(isBad: boolean, signal: AbortSignal | undefined, answer: T): Promise<T> {
  if (!isBad) await clock.sleep(WELL_MS);
  else await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
  return answer;
}

function gnocchi(): Datasource<GnocchiQuery> {
  const client: Partial<GnocchiClient> = {
    aggregates: ({ search }, putting) =>
      answered(JSON.stringify(search).includes('bad'), putting?.signal, {
        kind: 'answer',
        value: { measures: { aggregated: [] } },
      }),
    searchResources: () => Promise.resolve({ kind: 'answer', value: [] }),
  };
  const creator = (): Promise<undefined> => Promise.resolve(undefined);
  const externalOwner = (): Promise<null> => Promise.resolve(null);
  return createGnocchiDatasource({ client: client as GnocchiClient, observer, clock, creator, externalOwner });
}

function prometheus(): Datasource<PrometheusQuery> {
  const text = JSON.stringify({ status: 'success', data: { resultType: 'vector', result: [] } });
  const client = {
    send: ({ form }: { form: Readonly<Record<string, string>> }, signal: AbortSignal) =>
      answered(form['query']!.includes('bad'), signal, { status: 200, text, isCutOff: false }),
    close: () => undefined,
  };
  return createPrometheusDatasource({ client, tenancy: { kind: 'label', label: 'project_id' }, observer, clock });
}

/** Queries that cannot be merged. */
const QUESTIONS = {
  gnocchi: (project: string, name: number | string): GnocchiQuery => ({
    kind: 'resources',
    search: `{"and": [{"=": {"created_by_project_id": "${project}"}}, {"like": {"display_name": "${name}%"}}]}`,
    resourceType: 'instance',
    metric: 'cpu',
    method: 'mean',
  }),
  prometheus: (project: string, name: number | string): PrometheusQuery => ({
    promql: `absent(${project}${name})`,
    project,
  }),
};

interface Question {
  key: string;
  query: GnocchiQuery | PrometheusQuery;
}

/** Sends all of them in one call, as the evaluator does, and returns those without an answer. */
async function inOutage(datasource: Datasource<Question['query']>, queries: readonly Question[]): Promise<Question[]> {
  const deadline = new AbortController();
  const request = { granularityS: 0, periods: 1, lagS: 0, queries };
  let answers: ReadonlyMap<string, BackendAnswer> | undefined;
  void datasource.answers(request, { now: clock.now(), signal: deadline.signal }).then((found) => (answers = found));
  const startedMs = clock.monotonicMs();
  while (answers === undefined) {
    await clock.advance(WELL_MS);
    if (clock.monotonicMs() - startedMs >= DEADLINE_MS) deadline.abort(new Error('late'));
  }
  return queries.filter(({ key }) => answers?.get(key)?.kind === 'outage');
}

describe.each([
  ['gnocchi', gnocchi],
  ['prometheus', prometheus],
] as const)('queries of one tenant that %s never answers', (backend, open) => {
  test.each([10, 60, 200])(
    'keep no others from their answers for longer than a few evaluations, %i of them',
    async (count) => {
      const datasource: Datasource<Question['query']> = open();
      const ask = (project: string, n: number): Question => ({
        key: `${project} ${n}`,
        query: QUESTIONS[backend](project, n),
      });
      const bad = Array.from({ length: count }, (_, n) => ask('bad', n));
      const well = Array.from({ length: WELL }, (_, n) => ask(`well${n % 10}`, n));
      const lost: number[] = [];
      for (let look = 0; look < LOOKS; look += 1)
        lost.push((await inOutage(datasource, [...bad, ...well])).length - count);
      expect(lost.slice(3)).toEqual(Array(LOOKS - 3).fill(0));
    },
  );

  test('cost the same tenant no answers to other queries', async () => {
    const datasource: Datasource<Question['query']> = open();
    const names = ['bad0', 'bad1', ...Array.from({ length: WELL }, (_, n) => n)];
    const queries = names.map((name) => ({ key: `${name}`, query: QUESTIONS[backend]('p', name) }));
    const lost: string[][] = [];
    for (let look = 0; look < 6; look += 1) lost.push((await inOutage(datasource, queries)).map(({ key }) => key));
    expect(lost.slice(2)).toEqual(Array(4).fill(['bad0', 'bad1']));
  });
});

const SLOW_MS = 4_000;
const INTERVAL_MS = 10_000;
const PHASES = 8;

/**
 * The interval of a project's alarms: in each of its phases slow searches, which cannot be merged, and metrics, which
 * share one request.
 */
async function phasesOf(datasource: Datasource<GnocchiQuery>, late: Map<string, number>): Promise<void> {
  const looks: Promise<void>[] = [];
  for (let phase = 0; phase < PHASES; phase += 1) {
    const searches = Array.from({ length: 25 }, (_, n) => QUESTIONS.gnocchi('p', `${phase}.${n}.`));
    const metrics = Array.from({ length: 75 }, (_, n): GnocchiQuery => {
      const id = `00000000-0000-0000-000${phase}-${String(n).padStart(12, '0')}`;
      return { kind: 'metrics', metrics: [id], method: 'mean', project: null };
    });
    const place = { ticket: phase, projects: new Set(['p']) };
    const queries = [...searches, ...metrics].map((query) => ({ key: JSON.stringify(query), query, ...place }));
    const [sending, signal] = [new AbortController(), new AbortController().signal];
    const context = { now: clock.now(), signal, sendBy: sending.signal };
    const asked = datasource.answers({ granularityS: 60, periods: 1, lagS: 0, queries }, context).then((answers) => {
      for (const { key, query } of queries) {
        const answer = answers.get(key);
        if (answer?.kind === 'outage' && answer.isUnsent) late.set(query.kind, (late.get(query.kind) ?? 0) + 1);
        else expect(answer?.kind).toBe('series');
      }
    });
    looks.push(asked);
    void clock.sleep(INTERVAL_MS / 2).then(() => sending.abort(new Error('not sent')));
    await clock.advance(INTERVAL_MS / PHASES);
  }
  void Promise.all(looks);
}

test('slow searches do not delay the metrics of alarms of the same project in Gnocchi', async () => {
  const client: Partial<GnocchiClient> = {
    async aggregates({ search, operations }) {
      await clock.sleep(search === undefined ? WELL_MS : SLOW_MS);
      const pairs = (operations.slice(1) as [string, string][]).map(([id, method]) => [id, { [method]: [] }] as const);
      return {
        kind: 'answer',
        value: { measures: search === undefined ? Object.fromEntries(pairs) : { aggregated: [] } },
      };
    },
    searchResources: () => Promise.resolve({ kind: 'answer', value: [] }),
    close: () => undefined,
  };
  const creator = (): Promise<undefined> => Promise.resolve(undefined);
  const externalOwner = (): Promise<null> => Promise.resolve(null);
  const datasource = createGnocchiDatasource({
    client: client as GnocchiClient,
    observer,
    clock,
    creator,
    externalOwner,
  });
  const late = new Map<string, number>();
  for (let interval = 0; interval < 4; interval += 1) await phasesOf(datasource, late);
  await clock.advance(INTERVAL_MS);
  expect(late.get('resources')).toBeGreaterThan(0);
  expect(late.get('metrics')).toBeUndefined();
});
