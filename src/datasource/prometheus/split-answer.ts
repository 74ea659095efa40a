import type { BackendAnswer, SeriesLabels } from '../../alarm/series.js';
import { inChunks } from '../../async/event-loop.js';
import type { Trace } from '../datasource.js';
import type { Round } from './send-query.js';
import type { Member, PlannedQuery } from './plan-queries.js';
import { labelOf, labelsOf, seriesOf, type AnswerListener } from './points.js';

/**
 * Gives each member its series of the answer. False if some of it cannot be told whose it is: then nobody has got
 * anything. Of a sweep, some is nobody's.
 */
export async function handOut(query: PlannedQuery, entries: readonly unknown[], round: Round): Promise<boolean> {
  const { hole, members } = query;
  if (hole === null) {
    give(members[0] as Member, entries, round);
    return true;
  }
  const { byValue, ofMembers } = placesOf(query);
  const sorting: Sorting = {
    label: hole.label,
    places: byValue,
    isSweep: query.insteadOf !== undefined,
    slices: new Array<unknown[] | undefined>(members.length),
  };
  for await (const piece of inChunks(entries)) if (!sort(piece, sorting)) return false;
  let index = 0;
  for await (const piece of inChunks(members))
    for (const member of piece) give(member, sorting.slices[ofMembers[index++] as number] ?? NOTHING, round);
  return true;
}

const NOTHING: readonly unknown[] = [];

interface Sorting {
  label: string;
  places: ReadonlyMap<string | null, number>;
  isSweep: boolean;
  /** What is at each place. */
  slices: (unknown[] | undefined)[];
}

/** False if something cannot be told whose it is. */
function sort(entries: readonly unknown[], { label, places, isSweep, slices }: Sorting): boolean {
  for (const entry of entries) {
    const value = labelOf(entry, label);
    const place = value === undefined ? undefined : places.get(value);
    if (place === undefined) {
      if (value === undefined || !isSweep) return false;
      continue;
    }
    const others = slices[place];
    if (others) others.push(entry);
    else slices[place] = [entry];
  }
  return true;
}

/** The same answer to every member. */
export function giveAll({ members }: PlannedQuery, { answers }: Round, answer: BackendAnswer): void {
  for (const { keys } of members) for (const key of keys) answers.set(key, answer);
}

/** A place for each value. Several members may be of one value: they ask the same, spelled differently. */
interface Places {
  byValue: ReadonlyMap<string | null, number>;
  ofMembers: readonly number[];
}

const knownPlaces = new WeakMap<PlannedQuery, Places>();

/** Kept with the query, which is asked again and again. */
function placesOf(query: PlannedQuery): Places {
  const known = knownPlaces.get(query);
  if (known) return known;
  const byValue = new Map(query.members.map(({ value }, place) => [value, place]));
  const places = { byValue, ofMembers: query.members.map(({ value }) => byValue.get(value) as number) };
  knownPlaces.set(query, places);
  return places;
}

function give({ keys }: Member, entries: readonly unknown[], { asking: { trace }, moments, answers }: Round): void {
  if (trace) {
    for (const key of keys) answers.set(key, seriesOf(entries, moments, tellingLabels(key, trace)));
    return;
  }
  const answer = seriesOf(entries, moments);
  for (const key of keys) answers.set(key, answer);
}

/** Labels are made only here, for people: nobody keeps those of the answers that alarms are judged by. */
function tellingLabels(key: string, trace: Trace): AnswerListener {
  const known = new Map<unknown, SeriesLabels>();
  const labelsFor = (entry: unknown): SeriesLabels => {
    const labels = known.get(entry) ?? labelsOf(entry);
    known.set(entry, labels);
    return labels;
  };
  return {
    series: (entry) => trace.labelled?.({ key, labels: labelsFor(entry) }),
    dropped: (point, entry) => trace.dropped({ key, ...point, labels: labelsFor(entry) }),
  };
}
