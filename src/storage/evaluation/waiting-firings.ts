import type { AlarmEvent } from '../../alarm/types/event/event.js';
import { toError } from '../../errors.js';
import type { Database, Sql } from '../database.js';
import { DatabaseUnavailable, isAnswered } from '../engine/outage.js';
import {
  fireAlarms,
  type EventFiringOptions,
  type EventHit,
  type FiredAlarms,
  type FiringContext,
} from './event-firing.js';
import { candidatesWhere, fittingEvents, fittingHits, hitsBy, judge, type CandidateRow } from './event-hits.js';
import { eventsToMatch, type EventsToMatch } from './event-matches.js';
import { eventIn, type EventPlace, type EventRow } from './stored-events.js';

/** Events of one page. */
const PAGE = 100;
/** Most events that a request waits for: all are read and matched in one transaction. */
const MOST_AWAITED = 500;

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

const COUNT_WAITING = `
  select count(distinct a.id)::int as alarms
    from unnest($1::text[], $2::text[]) as i (project_id, message_id)
    join events e on e.project_id = i.project_id and e.message_id = i.message_id
   cross join unnest(e.locked_alarms) as a (id)`;

/** An event, by its project and its id in this project. */
export type EventKey = Pick<AlarmEvent, 'projectId' | 'messageId'>;
type WaitingEvent = EventPlace & { alarms: string[] };
const NOTHING: FiredAlarms & { locked: string[] } = { firings: [], notifications: 0, locked: [] };

/** How events are matched and alarms are fired. */
export interface EventMatching
  extends EventFiringOptions, Pick<EventsToMatch, 'matcherOf' | 'openTimesOf'>, Pick<FiringContext, 'silences'> {
  /** Yields to the event loop. Called between judgements, since many events and alarms take long. */
  pause: () => Promise<void>;
}

/** Callbacks of one call of `fire`. */
export interface FiringFollower {
  /** Called with what each transaction has committed. */
  onFired: (fired: FiredAlarms) => void;
  /** Called when an event fails, and not again until it has succeeded. The next call of `fire` tries it last. */
  onFailed: (event: EventKey, err: Error) => void;
}

/** Firings of alarms that another transaction had locked when their events fired the others. */
export interface WaitingFirings {
  /**
   * Fires the alarms that are free by now, one event in each transaction, the oldest event first. An event that fails
   * stops no other. Several processes may call it. Returns the number of transactions.
   */
  fire(follower: FiringFollower): Promise<number>;
}

export function createWaitingFirings(db: Database, matching: EventMatching): WaitingFirings {
  let failed: ReadonlySet<string> = new Set();
  return {
    async fire(follower) {
      const round: FiringRound = { db, matching, follower, failedBefore: failed, failed: new Set(), locked: new Set() };
      try {
        let transactions = 0;
        const last: WaitingEvent[] = [];
        for await (const event of waitingEvents(db)) {
          if (failed.has(keyOf(event))) last.push(event);
          else transactions += await fireOne(round, event);
        }
        for (const event of last) transactions += await fireOne(round, event);
        failed = round.failed;
        return transactions;
      } catch (thrown) {
        failed = new Set([...failed, ...round.failed]);
        throw thrown;
      }
    },
  };
}

/** One call of `fire`. */
interface FiringRound {
  db: Database;
  matching: EventMatching;
  follower: FiringFollower;
  /** Keys of events that have failed in the call before. */
  failedBefore: ReadonlySet<string>;
  failed: Set<string>;
  /** Alarms that were locked a moment ago: they are not tried again for each of their events. */
  locked: Set<string>;
}

/** Returns the number of transactions. @throws the failure of an event after which the database may be unavailable. */
async function fireOne({ db, matching, follower, ...round }: FiringRound, event: WaitingEvent): Promise<number> {
  if (event.alarms.every((id) => round.locked.has(id))) return 0;
  try {
    const { locked, ...fired } = await db.transaction((tx) => fireWaiting(tx, [event], matching));
    for (const id of locked) round.locked.add(id);
    if (fired.firings.length > 0) follower.onFired(fired);
    return 1;
  } catch (thrown) {
    const key = keyOf(event);
    if (!round.failedBefore.has(key)) follower.onFailed(event, toError(thrown));
    round.failed.add(key);
    if (thrown instanceof DatabaseUnavailable && !isAnswered(thrown)) throw thrown;
    return 0;
  }
}

async function* waitingEvents(db: Database): AsyncIterable<WaitingEvent> {
  for (let last: WaitingEvent | undefined; ;) {
    const { receivedAt = null, projectId = null, messageId = null } = last ?? {};
    const { rows } = await db.query<WaitingEvent>(WAITING, [receivedAt, projectId, messageId]);
    yield* rows;
    last = rows.at(-1);
    if (rows.length < PAGE) return;
  }
}

/** Firings that a request has waited for. */
export interface AwaitedFirings extends FiredAlarms {
  /** Number of alarms that still wait for these events: `WaitingFirings` fires them. */
  waiting: number;
}

/**
 * Fires alarms that the request which has kept them waits for: most locks are those of a request at the same moment. It
 * waits for 3 seconds at most for each lock. If it waits for too long, or the database is not available,
 * `WaitingFirings` fires them later, and so it does for what exceeds one transaction.
 */
export async function fireWhenFree(
  db: Database,
  events: readonly EventKey[],
  matching: EventMatching,
): Promise<AwaitedFirings> {
  if (events.length === 0) return { ...NOTHING, waiting: 0 };
  // An event that was recorded in pieces may be there more than once, and fires each alarm once.
  const each = [...new Map(events.map((event) => [keyOf(event), event])).values()];
  const first = each.slice(0, MOST_AWAITED);
  const { firings, notifications } = await db
    .transaction((tx) => fireWaiting(tx, first, { ...matching, waits: true }))
    .catch((thrown: unknown) => {
      if (thrown instanceof DatabaseUnavailable) return NOTHING;
      throw thrown;
    });
  const { rows } = await db.query<{ alarms: number }>(COUNT_WAITING, keysOf(each));
  return { firings, notifications, waiting: rows[0]?.alarms ?? 0 };
}

/**
 * Fires alarms that wait for these events, as many as one transaction may hold. They are judged at the receipt of the
 * first event. Alarms that are gone wait no more. Returns the alarms that still wait, too.
 */
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
  const fitting = fittingFirings([...alarmsOf.keys()], hits);
  const { locked, ...fired } = await fireAlarms(tx, fitting, toMatch, matching);
  for (const id of locked) fitting.delete(id);
  const left = withoutFirings(hits, fitting);
  await tx.query(CLEAR, keysOf(rows));
  await keepLocked(tx, waitingPairs([...left.keys()], left));
  return { ...fired, locked: [...left.keys()] };
}

/** The firings of the first events, as many as one transaction may hold, or the first ones of the first event. */
function fittingFirings(events: readonly AlarmEvent[], hits: ReadonlyMap<string, EventHit>): Map<string, EventHit> {
  const fitting = fittingEvents(events, hits);
  return fitting.length > 0 ? hitsBy(fitting, hits) : fittingHits(hitsBy(events.slice(0, 1), hits));
}

function withoutFirings(
  hits: ReadonlyMap<string, EventHit>,
  done: ReadonlyMap<string, EventHit>,
): Map<string, EventHit> {
  const left = [...hits].map(([id, hit]): [string, EventHit] => {
    const fired = new Set(done.get(id)?.events);
    return [id, { ...hit, events: hit.events.filter((event) => !fired.has(event)) }];
  });
  return new Map(left.filter(([, { events }]) => events.length > 0));
}

/** The events that these alarms wait for. */
export function waitingPairs(
  locked: readonly string[],
  hits: ReadonlyMap<string, EventHit>,
): { event: AlarmEvent; alarmId: string }[] {
  return locked.flatMap((alarmId) => (hits.get(alarmId)?.events ?? []).map((event) => ({ event, alarmId })));
}

function keyOf({ projectId, messageId }: EventKey): string {
  return JSON.stringify([projectId, messageId]);
}

function keysOf(keys: readonly EventKey[]): [string[], string[]] {
  return [keys.map(({ projectId }) => projectId), keys.map(({ messageId }) => messageId)];
}
