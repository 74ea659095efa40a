import type { AlarmEvent } from '../../alarm/types/event/event.js';
import type { EventHit } from './event-firing.js';
import {
  EVENT_ALARM_COLUMNS,
  matchingEvents,
  ON_EVENTS,
  type EventAlarmRow,
  type EventsToMatch,
} from './event-matches.js';

/**
 * Most notifications of one transaction; a firing without actions counts as one. A transaction locks its alarms, and
 * has the embedded database for itself. All notifications of one event and one alarm are in one transaction, though.
 */
const MAX_WEIGHT = 2_000;
/** Number of judgements after which other work gets the event loop. */
const JUDGEMENTS_WITHOUT_PAUSE = 5_000;

/** An event alarm that is judged, and the notifications of one firing; at least 1. */
export type CandidateRow = EventAlarmRow & { weight: number };

/**
 * SQL for the candidates among event alarms `a`, in the order of their ids. Leaves out alarms that no event can change:
 * in state alarm, without `repeat_actions`.
 */
export const candidatesWhere = (which: string): string => `
  select ${EVENT_ALARM_COLUMNS}, greatest(cardinality(a.alarm_actions), 1) as weight from alarms a
   where ${which} and ${ON_EVENTS} and (a.state <> 'alarm' or a.repeat_actions) order by a.id`;

/** The hits by the id of their alarm, in the order of the alarms. */
export async function judge(
  alarms: readonly CandidateRow[],
  toMatch: EventsToMatch,
  pause: () => Promise<void>,
): Promise<Map<string, EventHit>> {
  const hits = new Map<string, EventHit>();
  let judgements = 0;
  for (const alarm of alarms) {
    const group = toMatch.byProject.get(alarm.owner);
    const costBefore = group?.cost ?? 0;
    const events = matchingEvents(alarm, toMatch);
    const { definition_version: definitionVersion, weight } = alarm;
    if (events.length > 0) hits.set(alarm.id, { definitionVersion, events, weight });
    if (group) judgements += group.events.length + group.cost - costBefore;
    if (judgements < JUDGEMENTS_WITHOUT_PAUSE) continue;
    await pause();
    judgements = 0;
  }
  return hits;
}

/** The first events, as many as one transaction may hold. */
export function fittingEvents(
  events: readonly AlarmEvent[],
  hits: ReadonlyMap<string, EventHit>,
): readonly AlarmEvent[] {
  const weights = new Map<AlarmEvent, number>();
  for (const hit of hits.values()) {
    for (const one of hit.events) weights.set(one, (weights.get(one) ?? 0) + hit.weight);
  }
  let weight = 0;
  const next = events.findIndex((one) => (weight += weights.get(one) ?? 0) > MAX_WEIGHT);
  return next === -1 ? events : events.slice(0, next);
}

/** The first hits of one event, as many as one transaction may hold, and at least one. */
export function fittingHits(hits: ReadonlyMap<string, EventHit>): Map<string, EventHit> {
  const all = [...hits];
  let weight = 0;
  const next = all.findIndex(([, hit], index) => (weight += hit.weight) > MAX_WEIGHT && index > 0);
  return new Map(next === -1 ? all : all.slice(0, next));
}

/** The hits of these events alone. */
export function hitsBy(events: readonly AlarmEvent[], hits: ReadonlyMap<string, EventHit>): Map<string, EventHit> {
  const those = new Set(events);
  const kept = [...hits].map(
    ([id, hit]) => [id, { ...hit, events: hit.events.filter((one) => those.has(one)) }] as const,
  );
  return new Map(kept.filter(([, { events: left }]) => left.length > 0));
}
