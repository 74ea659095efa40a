import { inChunks } from '../../../async/event-loop.js';
import { createScanResistantCache } from '../../../cache/scan-resistant-cache.js';
import { findMergeParameters, PLACEHOLDER, type MergeParameter } from './merge-parameters.js';
import { quoted } from './string-literal.js';

export type { MergeParameter };

const MAX_CACHED_CHARACTERS = 32 * 1024 * 1024;
const parametersByQuery = createScanResistantCache<readonly MergeParameter[]>(MAX_CACHED_CHARACTERS);

/**
 * The merge parameters of a query, in the order of its matchers. None if it cannot be parsed, or if merging might
 * change its answer. Cached.
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

/** One query for all these values: every series of its answer has one of them as its `parameter.label`. */
export function mergedPromql(parameter: MergeParameter, values: readonly string[]): string {
  const alternation = [...new Set(values)].sort().map(literally).join('|');
  return parameter.template.replaceAll(PLACEHOLDER, () => quoted(alternation));
}

/**
 * The select-all query: for all values that exist, and for series without the label. The series of its answer with one
 * value are those of the query for that value alone; but an error with any series fails the whole query. It excludes
 * one value that no member has: that costs Prometheus next to nothing, while `!=""` would search all metrics for the
 * label.
 */
export function selectAllPromql(parameter: MergeParameter, values: readonly string[]): string {
  const wanted = new Set(values);
  let unwanted = '-';
  while (wanted.has(unwanted)) unwanted += '-';
  return parameter.template.replaceAll(`=~${PLACEHOLDER}`, () => `!=${quoted(unwanted)}`);
}

/**
 * A regular expression that matches exactly this value. It escapes no more than needed: servers look up such lists
 * without matching.
 */
function literally(value: string): string {
  return value.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

interface KeyedPromql {
  key: string;
  promql: string;
}

/** A parsed query: `parameters` are those of `mergeParametersOf`. */
interface ParameterizedPromql extends KeyedPromql {
  parameters: readonly MergeParameter[];
}

/** The queries of one request. */
export interface MergedRequest {
  /** The parameter by which they are merged; null for a single query that is sent as it is. */
  parameter: MergeParameter | null;
  /** Each with the value of the parameter's label by which the answer is split. Equal queries have equal values. */
  members: MergedMember[];
}

interface MergedMember extends KeyedPromql {
  value: string | null;
}

/**
 * Groups queries into few requests, at most `maxMembers` queries each: every query uses the merge parameter that it
 * shares with most others. Each takes about a microsecond; yields to the event loop after each chunk.
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

/** Counts the queries that have each template. */
function countUses(uses: Map<string, number>, queries: readonly ParameterizedPromql[]): void {
  for (const { parameters } of queries)
    for (const { template } of parameters) uses.set(template, (uses.get(template) ?? 0) + 1);
}

/** The parameter with the most uses, the first of equal ones; undefined if none is shared. */
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

/**
 * A query that is alone with its parameter, since all that share it use other ones, joins one of those if it has that
 * parameter too.
 */
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

/** Divides evenly, so that no request is left with a single query. */
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
