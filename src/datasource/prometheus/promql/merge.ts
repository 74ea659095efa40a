import { inChunks } from '../../../async/event-loop.js';
import { createBoundedCache } from './bounded-cache.js';
import { foundHoles, MARK, type Hole } from './merge-parameters.js';
import { quoted } from './string-literal.js';

export type { Hole };

const MAX_CACHED_CHARACTERS = 32 * 1024 * 1024;
const holesByQuery = createBoundedCache<readonly Hole[]>(MAX_CACHED_CHARACTERS);

/**
 * Where a query can be merged, in the order of its matchers; nowhere, if it cannot be read or its answer might change.
 * Cached.
 */
export function holesOf(promql: string): readonly Hole[] {
  const known = holesByQuery.get(promql);
  if (known) return known;
  const holes = foundHoles(promql);
  const characters = holes.reduce(
    (sum, { label, value, template }) => sum + label.length + value.length + template.length,
    promql.length,
  );
  return holesByQuery.put(promql, holes, characters);
}

/** One query that answers for all of the values: every series of its answer carries `hole.label`, with one of them. */
export function mergedPromql(hole: Hole, values: readonly string[]): string {
  const alternation = [...new Set(values)].sort().map(literally).join('|');
  return hole.template.replaceAll(MARK, () => quoted(alternation));
}

/**
 * The same query for all values that there are, and for none: of what it answers, the series that carry a value are
 * those that the query for that value alone gives. What goes wrong with any series goes wrong for all, though. What it
 * leaves out is one value that nobody wants: for Prometheus that is next to nothing to do, while for `!=""` it would
 * walk through whatever has the label, in all metrics.
 */
export function sweepingPromql(hole: Hole, values: readonly string[]): string {
  const wanted = new Set(values);
  let unwanted = '-';
  while (wanted.has(unwanted)) unwanted += '-';
  return hole.template.replaceAll(`=~${MARK}`, () => `!=${quoted(unwanted)}`);
}

/**
 * A value in a regular expression that means just this value. Only what must be escaped is: servers look up such lists
 * without matching.
 */
function literally(value: string): string {
  return value.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

interface KeyedQuery {
  key: string;
  promql: string;
}

/** A query that has been read: `holes` is what `holesOf` finds. */
interface ReadQuery extends KeyedQuery {
  holes: readonly Hole[];
}

/** Queries for one request. */
export interface QueryGroup {
  /** Where they are merged; null for one query that is asked as it is. */
  hole: Hole | null;
  /** With the values of the hole's label by which the answer is split. Equal queries have equal values. */
  members: Member[];
}

interface Member extends KeyedQuery {
  value: string | null;
}

/**
 * Groups queries into few requests, at most `maxMembers` queries each: every query goes to the hole that it shares with
 * most others. Each costs about a microsecond; pauses while there are many.
 */
export async function groupByHole(queries: readonly ReadQuery[], maxMembers: number): Promise<QueryGroup[]> {
  const takers = new Map<string, number>();
  for await (const piece of inChunks(queries)) countTakers(takers, piece);
  const merged = new Map<string, Gathering>();
  const groups: QueryGroup[] = [];
  for await (const piece of inChunks(queries)) {
    for (const query of piece) {
      const hole = mostShared(query.holes, takers);
      if (hole) gather(merged, hole, query);
      else groups.push(alone(query));
    }
  }
  joinLoners(merged);
  for (const gathering of merged.values()) groups.push(...requestsOf(gathering, maxMembers));
  return groups;
}

interface Gathering {
  hole: Hole;
  members: Member[];
}

/** By template. */
function countTakers(takers: Map<string, number>, queries: readonly ReadQuery[]): void {
  for (const { holes } of queries)
    for (const { template } of holes) takers.set(template, (takers.get(template) ?? 0) + 1);
}

/** Of equally shared ones the first; undefined if nothing is shared. */
function mostShared(holes: readonly Hole[], takers: ReadonlyMap<string, number>): Hole | undefined {
  let most: Hole | undefined;
  let shared = 1;
  for (const hole of holes) {
    const count = takers.get(hole.template) ?? 0;
    if (count <= shared) continue;
    most = hole;
    shared = count;
  }
  return most;
}

function gather(merged: Map<string, Gathering>, hole: Hole, { key, promql }: KeyedQuery): void {
  const member = { key, promql, value: hole.value };
  const gathering = merged.get(hole.template);
  if (gathering) gathering.members.push(member);
  else merged.set(hole.template, { hole, members: [member] });
}

/** A query whose fellows all went elsewhere follows some of them, if they went where it fits too. */
function joinLoners(merged: Map<string, Gathering>): void {
  for (const { hole, members } of merged.values()) {
    const [loner] = members;
    if (!loner || members.length > 1) continue;
    const fitting = holesOf(loner.promql).find(({ template }) => template !== hole.template && merged.has(template));
    if (!fitting) continue;
    merged.delete(hole.template);
    gather(merged, fitting, loner);
  }
}

/** Cut evenly, so that no request is left with a single query. */
function requestsOf({ hole, members }: Gathering, maxMembers: number): QueryGroup[] {
  const requests = Math.ceil(members.length / maxMembers);
  const size = Math.ceil(members.length / requests);
  const groups: QueryGroup[] = [];
  for (let from = 0; from < members.length; from += size) {
    const [first, ...others] = members.slice(from, from + size);
    if (first) groups.push(others.length > 0 ? { hole, members: [first, ...others] } : alone(first));
  }
  return groups;
}

function alone({ key, promql }: KeyedQuery): QueryGroup {
  return { hole: null, members: [{ key, promql, value: null }] };
}
