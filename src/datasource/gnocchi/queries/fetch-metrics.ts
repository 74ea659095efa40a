import { z } from 'zod';

import type { Queued } from '../../gate/queue-ticket.js';
import { BROKEN, causeOf, fieldOf, lacksGranularity, type Failure, type Refusal } from './requester.js';
import { chunksOf } from './chunks.js';
import { FoundMetric } from '../client/gnocchi-client.js';
import { memberOf } from '../client/measures.js';
import { learnOwners, type MetricOwners } from './metric-owners.js';
import { type Round } from './gnocchi-call.js';

/** The rows of one metric by one of the methods that it is stored by. */
export interface Pair {
  id: string;
  method: string;
}

export type Fetched = { kind: 'rows'; rows: unknown } | { kind: 'unknown' } | { kind: 'failed'; failure: Failure };

/**
 * Gnocchi compares each metric of a request with each other; with 100 it needs least for each of them, less than half
 * of what it needs with 20 or 1,000.
 */
const MAX_METRICS = 100;

/**
 * Value of the rows that one metric of a request lacks and another one has. No measurement has this number, and every
 * version of Gnocchi writes it in full. Without `fill` Gnocchi leaves out rows that are NaN or infinite, and an older
 * row would be judged instead.
 */
const GAP = -740_216_938_507_413.5;

const References = z.array(FoundMetric);

export function pairKey({ id, method }: Pair): string {
  return `${id} ${method}`;
}

/** A pair of metric and method, and the queries that wait for it. */
export interface AskedPair extends Pair {
  questions: Queued[];
}

/** Each pair once. */
export function distinctPairs(asked: Iterable<readonly [Queued, Pair]>): AskedPair[] {
  const distinct = new Map<string, AskedPair>();
  for (const [question, pair] of asked) {
    const known = distinct.get(pairKey(pair));
    if (known) known.questions.push(question);
    else distinct.set(pairKey(pair), { ...pair, questions: [question] });
  }
  return [...distinct.values()];
}

interface Fetching {
  round: Round;
  owners: MetricOwners;
  /** Metrics whose owners are to be learnt on the way. */
  withOwners: ReadonlySet<string>;
}

/** What became of each pair, by `pairKey`. */
export async function fetchMetrics(
  pairs: readonly AskedPair[],
  fetching: Fetching,
): Promise<ReadonlyMap<string, Fetched>> {
  const fetched = new Map<string, Fetched>();
  const { withOwners } = fetching;
  // Those to be described go together: a request describes all its metrics.
  const ordered = [...pairs.filter(({ id }) => withOwners.has(id)), ...pairs.filter(({ id }) => !withOwners.has(id))];
  await Promise.all(chunksOf(ordered, MAX_METRICS).map((chunk) => fetchTogether(chunk, fetching, fetched)));
  return fetched;
}

/**
 * Drops what Gnocchi names as the reason of a refusal, halves what it refuses without a name, and gives up on trouble.
 */
async function fetchTogether(
  pairs: readonly AskedPair[],
  fetching: Fetching,
  fetched: Map<string, Fetched>,
): Promise<void> {
  const { round, owners, withOwners } = fetching;
  const details = pairs.some(({ id }) => withOwners.has(id));
  const operations = ['metric', ...pairs.map(({ id, method }) => [id, method])];
  const asked = await round.asker.ask(
    (client, putting) => client.aggregates({ operations, details, fill: GAP, ...round.window }, putting),
    { slices: pairs.length, questions: pairs.flatMap(({ questions }) => questions) },
  );
  if (asked.kind === 'answer') {
    keepRows(asked.value, pairs, fetched);
    const described = References.safeParse(memberOf(asked.value, 'references'));
    if (described.success) await learnOwners(described.data, owners, round.asker);
    return;
  }
  const named = asked.kind === 'refusal' ? namedBy(asked) : new Set<string>();
  const spoilers = pairs.filter((pair) => named.has(pair.id) || named.has(pairKey(pair)));
  if (asked.kind === 'refusal' && spoilers.length > 0) {
    for (const pair of spoilers) fetched.set(pairKey(pair), dropped(pair, asked));
    const rest = pairs.filter((pair) => !spoilers.includes(pair));
    // A missing method is named one metric at a time, and that may be the first of many.
    const parts = causeOf(asked) === UNKNOWN_METHOD ? chunksOf(rest, Math.ceil(rest.length / 2)) : [rest];
    if (rest.length > 0) await Promise.all(parts.map((part) => fetchTogether(part, fetching, fetched)));
  } else if (asked.kind === 'trouble' || pairs.length === 1) {
    for (const pair of pairs) fetched.set(pairKey(pair), { kind: 'failed', failure: asked });
  } else {
    const middle = pairs.length >> 1;
    const halves = [pairs.slice(0, middle), pairs.slice(middle)];
    await Promise.all(halves.map((half) => fetchTogether(half, fetching, fetched)));
  }
}

function keepRows(answer: unknown, pairs: readonly Pair[], fetched: Map<string, Fetched>): void {
  const measures = memberOf(answer, 'measures');
  for (const pair of pairs) {
    const rows = memberOf(memberOf(measures, pair.id), pair.method);
    fetched.set(
      pairKey(pair),
      rows === undefined ? { kind: 'failed', failure: BROKEN } : { kind: 'rows', rows: withoutGaps(rows) },
    );
  }
}

function withoutGaps(rows: unknown): unknown {
  if (!Array.isArray(rows)) return rows;
  const isGap = (row: unknown): boolean => Array.isArray(row) && row[2] === GAP;
  return rows.some(isGap) ? rows.filter((row) => !isGap(row)) : rows;
}

/** The metrics that a refusal names: ids, or ids with methods as `pairKey` has them. */
function namedBy(refusal: Refusal): ReadonlySet<string> {
  const detail = fieldOf(refusal.description, 'detail');
  if (!Array.isArray(detail)) return new Set();
  if (isAboutUnknown(refusal)) return new Set(detail.filter((id) => typeof id === 'string'));
  if (causeOf(refusal) !== UNKNOWN_METHOD && !lacksGranularity(refusal)) return new Set();
  return new Set(detail.flatMap((one) => (isNamed(one) ? [pairKey({ id: one[0], method: one[1] })] : [])));
}

const UNKNOWN_METHOD = 'Metrics with unknown aggregation';

function isAboutUnknown(refusal: Refusal): boolean {
  return causeOf(refusal) === 'Unknown metrics';
}

function isNamed(one: unknown): one is [id: string, method: string] {
  return Array.isArray(one) && typeof one[0] === 'string' && typeof one[1] === 'string';
}

/** The refusal as it would have been for this metric by this method alone. */
function dropped(pair: Pair, refusal: Refusal): Fetched {
  if (isAboutUnknown(refusal)) return { kind: 'unknown' };
  const detail = (fieldOf(refusal.description, 'detail') as unknown[]).filter(
    (one) => isNamed(one) && one[0] === pair.id && one[1] === pair.method,
  );
  const description = { ...(refusal.description as object), detail };
  return { kind: 'failed', failure: { ...refusal, description } };
}
