import type { AlarmEvent } from '../../alarm/types/event/event.js';
import type { Database, Sql } from '../database.js';
import { DatabaseUnavailable } from '../engine/outage.js';
import {
  fireAlarms,
  type EventFiringOptions,
  type EventHit,
  type FiredAlarms,
  type FiringContext,
} from './event-firing.js';
import { candidatesWhere, fittingHits, judge, type CandidateRow } from './event-hits.js';
import { eventsToMatch, type EventsToMatch } from './event-matches.js';
import { eventIn, type EventPlace, type EventRow } from './stored-events.js';

/** Events of one page. */
const PAGE = 100;

const KEEP = `
  update events e set locked_alarms = coalesce(e.locked_alarms, '{}') || i.alarms
    from (select project_id, message_id, array_agg(alarm_id order by alarm_id) as alarms
            from unnest($1::text[], $2::text[], $3::text[]) as u (project_id, message_id, alarm_id) group by 1, 2) i
   where e.project_id = i.project_id and e.message_id = i.message_id`;

/** Keeps alarms that were locked when their event fired the others. Call it in the transaction that has fired these. */
export async function keepLocked(tx: Sql, pairs: readonly { event: EventKey; alarmId: string }[]): Promise<void> {
  if (pairs.length === 0) return;
  await tx.query(KEEP, [...keysOf(pairs.map(({ event }) => event)), pairs.map(({ alarmId }) => alarmId)]);
}

const WAITING = `
  select e.received_at as "receivedAt", e.project_id as "projectId", e.message_id as "messageId",
         e.locked_alarms as alarms
    from events e
   where e.locked_alarms is not null
     and ($1::timestamptz is null
          or (e.received_at, e.project_id, e.message_id) > ($1::timestamptz, $2::text, $3::text))
   order by e.received_at, e.project_id, e.message_id limit ${PAGE}`;

/** Of two processes, one fires the alarms of an event. */
const LOCK_EVENTS = `
  select e.project_id as "projectId", e.message_id as "messageId", e.received_at as "receivedAt",
         e.event_type as "eventType", e.generated, e.body, e.locked_alarms as alarms
    from unnest($1::text[], $2::text[]) with ordinality as i (project_id, message_id, place)
    join events e on e.project_id = i.project_id and e.message_id = i.message_id
   where e.locked_alarms is not null order by i.place for update of e skip locked`;

const CANDIDATES = candidatesWhere('a.id = any($1::text[])');

const CLEAR = `
  update events e set locked_alarms = null from unnest($1::text[], $2::text[]) as i (project_id, message_id)
   where e.project_id = i.project_id and e.message_id = i.message_id`;

type EventKey = Pick<AlarmEvent, 'projectId' | 'messageId'>;
type WaitingEvent = EventPlace & { alarms: string[] };
const NOTHING: FiredAlarms & { locked: string[] } = { firings: [], notifications: 0, locked: [] };

/** How events are matched and alarms are fired. */
export interface EventMatching
  extends EventFiringOptions, Pick<EventsToMatch, 'matcherOf' | 'openTimesOf'>, Pick<FiringContext, 'silences'> {
  /** Yields to the event loop. Called between judgements, since many events and alarms take long. */
  pause: () => Promise<void>;
}

/** Fires the alarms that another transaction had locked when their events fired the others. */
export interface LockedEvents {
  /**
   * Fires those that are free by now, one event in each transaction, the oldest event first. Several processes may call
   * it. `onFired` receives what each transaction has committed. Returns the number of transactions.
   */
  fire(onFired: (fired: FiredAlarms) => void): Promise<number>;
}

export function createLockedEvents(db: Database, matching: EventMatching): LockedEvents {
  return {
    async fire(onFired) {
      let transactions = 0;
      const locked = new Set<string>();
      for (let last: WaitingEvent | undefined; ;) {
        const { receivedAt = null, projectId = null, messageId = null } = last ?? {};
        const { rows } = await db.query<WaitingEvent>(WAITING, [receivedAt, projectId, messageId]);
        for (const event of rows) {
          // An alarm that was locked a moment ago is not tried again for each of its events.
          if (event.alarms.every((id) => locked.has(id))) continue;
          const { locked: still, ...fired } = await db.transaction((tx) => fireWaiting(tx, [event], matching));
          for (const id of still) locked.add(id);
          if (fired.firings.length > 0) onFired(fired);
          transactions += 1;
        }
        last = rows.at(-1);
        if (rows.length < PAGE) return transactions;
      }
    },
  };
}

/**
 * Fires alarms that the request which has kept them waits for: most locks are those of a request at the same moment. If
 * it waits for too long, or fails otherwise, `LockedEvents` fires them later.
 */
export async function fireWhenFree(
  db: Database,
  events: readonly EventKey[],
  matching: EventMatching,
): Promise<FiredAlarms> {
  if (events.length === 0) return NOTHING;
  try {
    return await db.transaction((tx) => fireWaiting(tx, events, { ...matching, waits: true }));
  } catch (thrown) {
    if (thrown instanceof DatabaseUnavailable) return NOTHING;
    throw thrown;
  }
}

/** Fires alarms that wait for these events, as many as one transaction may hold. Alarms that are gone wait no more. */
async function fireWaiting(
  tx: Sql,
  keys: readonly EventKey[],
  matching: EventMatching & { waits?: boolean },
): Promise<FiredAlarms & { locked: string[] }> {
  const { rows } = await tx.query<WaitingEvent & EventRow>(LOCK_EVENTS, keysOf(keys));
  const [first] = rows;
  if (first === undefined) return NOTHING; // another process has fired them, or does so now
  const alarmsOf = new Map(rows.map((row): [AlarmEvent, Set<string>] => [eventIn(row, row), new Set(row.alarms)]));
  const toMatch = eventsToMatch([...alarmsOf.keys()], first.receivedAt, matching);
  const candidates = await tx.query<CandidateRow>(CANDIDATES, [[...new Set(rows.flatMap(({ alarms }) => alarms))]]);
  const hits = new Map<string, EventHit>();
  for (const [id, hit] of await judge(candidates.rows, toMatch, matching.pause)) {
    const events = hit.events.filter((event) => alarmsOf.get(event)?.has(id));
    if (events.length > 0) hits.set(id, { ...hit, events });
  }
  const fitting = fittingHits(hits);
  const fired = await fireAlarms(tx, fitting, toMatch, matching);
  const left = [...fired.locked, ...[...hits.keys()].filter((id) => !fitting.has(id))];
  await tx.query(CLEAR, keysOf(rows));
  await keepLocked(tx, waitingPairs(left, hits));
  return fired;
}

/** The events that these alarms wait for. */
export function waitingPairs(
  locked: readonly string[],
  hits: ReadonlyMap<string, EventHit>,
): { event: AlarmEvent; alarmId: string }[] {
  return locked.flatMap((alarmId) => (hits.get(alarmId)?.events ?? []).map((event) => ({ event, alarmId })));
}

function keysOf(keys: readonly EventKey[]): [string[], string[]] {
  return [keys.map(({ projectId }) => projectId), keys.map(({ messageId }) => messageId)];
}
