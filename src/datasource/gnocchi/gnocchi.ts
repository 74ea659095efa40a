import { windowStart, type BackendAnswer, type GnocchiQuery } from '../../alarm/series.js';
import type { Clock } from '../../clock.js';
import { createBackendGate } from '../gate/gate.js';
import type { QueryContext, BackendObserver, Datasource, KeyedQuery, SeriesRequest } from '../datasource.js';
import { reasonOf } from '../../http/backend-unavailable.js';
import { probeGnocchi, createRequester, type RequestResult } from './queries/requester.js';
import { StaggeredCache } from '../../cache/staggered-cache.js';
import type { GnocchiClient } from './client/gnocchi-client.js';
import type { MetricOwner } from './queries/metric-owners.js';
import { answerMetricsQueries } from './queries/metrics-queries.js';
import { answerResourceQueries } from './queries/resource-queries.js';
import type { QueryOfKind, GnocchiCall } from './queries/gnocchi-call.js';
import { answerSearchQueries } from './queries/search-queries.js';

export interface GnocchiDatasourceDeps {
  client: GnocchiClient;
  observer: BackendObserver;
  clock: Pick<Clock, 'monotonicMs'>;
  /** Gnocchi's name for this service: a user, or a user and a project with a colon between; undefined if unknown. */
  creator: () => Promise<string | undefined>;
  /** The project that creates resources for all others; null if there is none. Rejects if it cannot be looked up. */
  externalOwner: () => Promise<string | null>;
}

/**
 * Most requests under way at once. With more, one process of Gnocchi loses time to switching between them: 0.6 ms of
 * CPU a metric with two, 1.0 ms with four.
 */
const CONCURRENCY = 2;
/** A metric's methods and granularities never change, but another metric may take its place. */
const REFUSALS_CACHE = { ttlMs: 5 * 60_000, maxEntries: 50_000 };
const OWNERS_CACHE = { ttlMs: 5 * 60_000, maxEntries: 100_000 };
/**
 * By project, resource and name. An id expires, since a resource may get another metric of that name, or another owner.
 */
const METRIC_IDS_CACHE = { ttlMs: 5 * 60_000, maxEntries: 100_000 };

/**
 * The datasource of Gnocchi. A call of `answers` takes about one request for each 100 metrics or 100 similar searches.
 * Queries that cannot be answered together are found by dividing the request, and are not merged again for some
 * minutes. `project-scope.ts` tells which data an alarm may read.
 */
export function createGnocchiDatasource(deps: GnocchiDatasourceDeps): Datasource<GnocchiQuery> {
  const { client, observer, clock } = deps;
  const gate = createBackendGate({ concurrency: CONCURRENCY, observer, clock, probe: () => probeGnocchi(client) });
  const refusals = new StaggeredCache<BackendAnswer>(REFUSALS_CACHE, clock);
  const owners = new StaggeredCache<MetricOwner>(OWNERS_CACHE, clock);
  const ids = new StaggeredCache<string>(METRIC_IDS_CACHE, clock);

  async function answerAll(queries: readonly KeyedQuery<GnocchiQuery>[], call: GnocchiCall): Promise<void> {
    await Promise.all([
      answerResourceQueries(queries.filter(asksForResource), call, { ids, owners }),
      answerMetricsQueries(queries.filter(asksForMetrics), call, owners),
      answerSearchQueries(queries.filter(asksForSearch), call),
    ]);
  }

  return {
    async answers(request, context) {
      const answers = new Map<string, BackendAnswer>();
      const open: KeyedQuery<GnocchiQuery>[] = [];
      for (const keyedQuery of request.queries) {
        // A trace records requests, so every query is sent.
        const known = context.trace ? undefined : refusals.get(keyedQuery.key);
        if (known) answers.set(keyedQuery.key, known);
        else open.push(keyedQuery);
      }
      const give: GnocchiCall['setAnswer'] = ({ key }, answer) => {
        answers.set(key, answer);
        if (answer.kind === 'refused') refusals.set(key, answer);
      };
      // Queries that have waited equally long are sent together.
      open.sort((a, b) => (a.ticket ?? 0) - (b.ticket ?? 0));
      const { signal, sendBy, isRetry, trace } = context;
      const requester = createRequester(
        { client, gate },
        { signal, sendBy, isRetry, onSent: trace?.sent, tickets: open },
      );
      try {
        const creator = open.some(asksForResource) ? await deps.creator() : undefined;
        const externalOwner = once(() => found(deps.externalOwner));
        await answerAll(open, {
          ...windowOf(request, context),
          requester,
          creator,
          externalOwner,
          trace,
          setAnswer: give,
        });
      } catch (thrown) {
        const reason = reasonOf(thrown);
        for (const { key } of open) if (!answers.has(key)) answers.set(key, { kind: 'outage', reason });
      }
      return answers;
    },
    close: () => client.close(),
  };
}

type KeyedQueryOfKind<Kind extends GnocchiQuery['kind']> = KeyedQuery<QueryOfKind<Kind>>;

function asksForResource(keyedQuery: KeyedQuery<GnocchiQuery>): keyedQuery is KeyedQueryOfKind<'resource'> {
  return keyedQuery.query.kind === 'resource';
}

function asksForMetrics(keyedQuery: KeyedQuery<GnocchiQuery>): keyedQuery is KeyedQueryOfKind<'metrics'> {
  return keyedQuery.query.kind === 'metrics';
}

function asksForSearch(keyedQuery: KeyedQuery<GnocchiQuery>): keyedQuery is KeyedQueryOfKind<'resources'> {
  return keyedQuery.query.kind === 'resources';
}

function windowOf(
  { granularityS, periods, lagS }: Omit<SeriesRequest<GnocchiQuery>, 'queries'>,
  { now }: QueryContext,
): Pick<GnocchiCall, 'window' | 'readOptions'> {
  const stop = now.getTime() - lagS * 1000;
  const step = granularityS * 1000;
  const first = windowStart({ datasource: 'gnocchi', granularityS, periods, lagS }, now.getTime());
  return {
    window: { start: naive(stop - periods * step), stop: naive(stop), granularityS },
    // A period of tolerance on both sides, for clocks that differ.
    readOptions: { granularityS, believable: { from: first - step, to: stop + step } },
  };
}

/** Aodh's form of a time: UTC without a time zone, in microseconds. */
function naive(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000`;
}

async function found(externalOwner: () => Promise<string | null>): Promise<RequestResult<string | null>> {
  try {
    return { kind: 'answer', value: await externalOwner() };
  } catch (thrown) {
    return { kind: 'outage', reason: reasonOf(thrown) };
  }
}

function once<T>(lookUp: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined;
  return () => (found ??= lookUp());
}
