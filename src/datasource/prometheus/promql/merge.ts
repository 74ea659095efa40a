import { inChunks } from '../../../async/event-loop.js';
import { createBoundedCache } from './bounded-cache.js';
import { findMergeParameters, PLACEHOLDER, type MergeParameter } from './merge-parameters.js';
import { quoted } from './string-literal.js';

export type { MergeParameter };

const MAX_CACHED_CHARACTERS = 32 * 1024 * 1024;
const parametersByQuery = createBoundedCache<readonly MergeParameter[]>(MAX_CACHED_CHARACTERS);

/**
 * Where a query can be merged, in the order of its matchers; nowhere, if it cannot be read or its answer might change.
 * Cached.
 */
export function mergeParametersOf(promql: string): readonly MergeParameter[] {
  const known = parametersByQuery.get(promql);
  if (known) return known;
  const parameters = findMergeParameters(promql);
  const characters = parameters.reduce(
    (sum, { label, value, template }) => sum + label.length + value.length + template.length,
    promql.length,
  );
  return parametersByQuery.put(promql, parameters, characters);
}

/** One query that answers for all of the values: every series of its answer carries `parameter.label`, with one of them. */
export function mergedPromql(parameter: MergeParameter, values: readonly string[]): string {
  const alternation = [...new Set(values)].sort().map(literally).join('|');
  return parameter.template.replaceAll(PLACEHOLDER, () => quoted(alternation));
}

/**
 * The same query for all values that there are, and for none: of what it answers, the series that carry a value are
 * those that the query for that value alone gives. What goes wrong with any series goes wrong for all, though. What it
 * leaves out is one value that nobody wants: for Prometheus that is next to nothing to do, while for `!=""` it would
 * walk through whatever has the label, in all metrics.
 */
export function selectAllPromql(parameter: MergeParameter, values: readonly string[]): string {
  const wanted = new Set(values);
  let unwanted = '-';
  while (wanted.has(unwanted)) unwanted += '-';
  return parameter.template.replaceAll(`=~${PLACEHOLDER}`, () => `!=${quoted(unwanted)}`);
}

/**
 * A value in a regular expression that means just this value. Only what must be escaped is: servers look up such lists
 * without matching.
 */
function literally(value: string): string {
  return value.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

interface KeyedPromql {
  key: string;
  promql: string;
}

/** A query that has been read: `parameters` is what `holesOf` finds. */
interface ParameterizedPromql extends KeyedPromql {
  parameters: readonly MergeParameter[];
}

/** Queries for one request. */
export interface MergedRequest {
  /** Where they are merged; null for one query that is asked as it is. */
  parameter: MergeParameter | null;
  /** With the values of the parameter's label by which the answer is split. Equal queries have equal values. */
  members: MergedMember[];
}

interface MergedMember extends KeyedPromql {
  value: string | null;
}

/**
 * Groups queries into few requests, at most `maxMembers` queries each: every query goes to the parameter that it shares with
 * most others. Each costs about a microsecond; pauses while there are many.
 */
export async function groupByMergeParameter(
  queries: readonly ParameterizedPromql[],
  maxMembers: number,
): Promise<MergedRequest[]> {
  const uses = new Map<string, number>();
  for await (const piece of inChunks(queries)) countUses(uses, piece);
  const merged = new Map<string, MergeCandidate>();
  const groups: MergedRequest[] = [];
  for await (const piece of inChunks(queries)) {
    for (const query of piece) {
      const parameter = mostShared(query.parameters, uses);
      if (parameter) addMember(merged, parameter, query);
      else groups.push(standaloneQuery(query));
    }
  }
  joinSingletons(merged);
  for (const candidate of merged.values()) groups.push(...requestsOf(candidate, maxMembers));
  return groups;
}

interface MergeCandidate {
  parameter: MergeParameter;
  members: MergedMember[];
}

/** By template. */
function countUses(uses: Map<string, number>, queries: readonly ParameterizedPromql[]): void {
  for (const { parameters } of queries)
    for (const { template } of parameters) uses.set(template, (uses.get(template) ?? 0) + 1);
}

/** Of equally shared ones the first; undefined if nothing is shared. */
function mostShared(
  parameters: readonly MergeParameter[],
  uses: ReadonlyMap<string, number>,
): MergeParameter | undefined {
  let most: MergeParameter | undefined;
  let shared = 1;
  for (const parameter of parameters) {
    const count = uses.get(parameter.template) ?? 0;
    if (count <= shared) continue;
    most = parameter;
    shared = count;
  }
  return most;
}

function addMember(merged: Map<string, MergeCandidate>, parameter: MergeParameter, { key, promql }: KeyedPromql): void {
  const member = { key, promql, value: parameter.value };
  const candidate = merged.get(parameter.template);
  if (candidate) candidate.members.push(member);
  else merged.set(parameter.template, { parameter, members: [member] });
}

/** A query whose fellows all went elsewhere follows some of them, if they went where it fits too. */
function joinSingletons(merged: Map<string, MergeCandidate>): void {
  for (const { parameter, members } of merged.values()) {
    const [singleton] = members;
    if (!singleton || members.length > 1) continue;
    const fitting = mergeParametersOf(singleton.promql).find(
      ({ template }) => template !== parameter.template && merged.has(template),
    );
    if (!fitting) continue;
    merged.delete(parameter.template);
    addMember(merged, fitting, singleton);
  }
}

/** Cut evenly, so that no request is left with a single query. */
function requestsOf({ parameter, members }: MergeCandidate, maxMembers: number): MergedRequest[] {
  const requests = Math.ceil(members.length / maxMembers);
  const size = Math.ceil(members.length / requests);
  const groups: MergedRequest[] = [];
  for (let from = 0; from < members.length; from += size) {
    const [first, ...others] = members.slice(from, from + size);
    if (first) groups.push(others.length > 0 ? { parameter, members: [first, ...others] } : standaloneQuery(first));
  }
  return groups;
}

function standaloneQuery({ key, promql }: KeyedPromql): MergedRequest {
  return { parameter: null, members: [{ key, promql, value: null }] };
}
