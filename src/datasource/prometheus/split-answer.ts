import type { BackendAnswer } from '../../alarm/series.js';
import { inChunks } from '../../async/event-loop.js';
import type { PrometheusCall } from './send-query.js';
import type { DistinctQuery, PlannedQuery } from './plan-queries.js';
import { labelOf, seriesOf, SeriesRecorder } from './points.js';

/**
 * Splits an answer and stores for each member its series. Resolves to false, without storing any, if some series
 * belongs to no member; in the answer to a select-all query these are ignored.
 */
export async function splitAnswer(
  query: PlannedQuery,
  entries: readonly unknown[],
  call: PrometheusCall,
): Promise<boolean> {
  const { mergeParameter: parameter, members } = query;
  if (parameter === null) {
    answerMember(members[0] as DistinctQuery, entries, call, undefined);
    return true;
  }
  const { byValue, ofMembers } = memberIndexOf(query);
  const sorting: Sorting = {
    label: parameter.label,
    places: byValue,
    isSelectAll: query.replaces !== undefined,
    slices: new Array<unknown[] | undefined>(members.length),
  };
  for await (const piece of inChunks(entries)) if (!sort(piece, sorting)) return false;
  let index = 0;
  const extraLabel = parameter.isLabelAdded ? parameter.label : undefined;
  for await (const piece of inChunks(members))
    for (const member of piece)
      answerMember(member, sorting.slices[ofMembers[index++] as number] ?? NO_SERIES, call, extraLabel);
  return true;
}

const NO_SERIES: readonly unknown[] = [];

interface Sorting {
  label: string;
  places: ReadonlyMap<string | null, number>;
  isSelectAll: boolean;
  /** The series of each member, by its position. */
  slices: (unknown[] | undefined)[];
}

/** False if a series belongs to no member. */
function sort(entries: readonly unknown[], { label, places, isSelectAll, slices }: Sorting): boolean {
  for (const entry of entries) {
    const value = labelOf(entry, label);
    const place = value === undefined ? undefined : places.get(value);
    if (place === undefined) {
      if (value === undefined || !isSelectAll) return false;
      continue;
    }
    const others = slices[place];
    if (others) others.push(entry);
    else slices[place] = [entry];
  }
  return true;
}

/** Stores the same answer for every member. */
export function answerAll({ members }: PlannedQuery, { answers }: PrometheusCall, answer: BackendAnswer): void {
  for (const { keys } of members) for (const key of keys) answers.set(key, answer);
}

/** A position for each value. Several members may have the same value: equal queries in different spelling. */
interface MemberIndex {
  byValue: ReadonlyMap<string | null, number>;
  ofMembers: readonly number[];
}

const knownPlaces = new WeakMap<PlannedQuery, MemberIndex>();

/** Cached by the query object, which is used again in each interval. */
function memberIndexOf(query: PlannedQuery): MemberIndex {
  const known = knownPlaces.get(query);
  if (known) return known;
  const byValue = new Map(query.members.map(({ value }, place) => [value, place]));
  const places = { byValue, ofMembers: query.members.map(({ value }) => byValue.get(value) as number) };
  knownPlaces.set(query, places);
  return places;
}

function answerMember(
  { keys }: DistinctQuery,
  entries: readonly unknown[],
  { context: { trace }, times, answers }: PrometheusCall,
  extraLabel: string | undefined,
): void {
  const reading = extraLabel === undefined ? {} : { extraLabel };
  if (trace) {
    for (const key of keys)
      answers.set(key, seriesOf(entries, times, { ...reading, recorder: new SeriesRecorder(key, trace) }));
    return;
  }
  const answer = seriesOf(entries, times, reading);
  for (const key of keys) answers.set(key, answer);
}
