import { createOpenTimesSource } from '../../alarm/time-constraint/open-times.js';
import type { AlarmEvent } from '../../alarm/types/event/event.js';
import type { Database, Sql } from '../database.js';
import { OpenSilences } from '../silences/open-silences.js';
import { fireAlarms, type EventFiringOptions, type EventHit, type FiredAlarms } from './event-firing.js';
import { createMatcherCache, eventsToMatch, type EventsToMatch } from './event-matches.js';
import { candidatesWhere, fittingEvents, fittingHits, hitsBy, judge, type CandidateRow } from './event-hits.js';
import {
  fireWhenFree,
  keepLocked,
  waitingPairs,
  type AwaitedFirings,
  type EventKey,
  type EventMatching,
} from './waiting-firings.js';
import { eventIn, type EventRow } from './stored-events.js';

/** Clock and settings of the event store. */
export interface EventStoreOptions extends EventFiringOptions, Pick<EventMatching, 'pause'> {}

/** The result of one transaction. */
export interface RecordedEvents extends FiredAlarms {
  /** Number of events, from the start of the list, that are stored and have fired their alarms. */
  done: number;
  /** Number of events among these that were not done before. */
  stored: number;
  /** Those of these events that have not fired all their alarms, since another transaction has locked some. */
  waiting: EventKey[];
}

/** Another request has stored some of the events after they were looked up. */
class StoredMeanwhile extends Error {}

const PROGRESS = `
  select e.project_id as "projectId", e.message_id as "messageId", e.fired_through as "firedThrough"
    from unnest($1::text[], $2::text[]) as i (project_id, message_id)
    join events e on e.project_id = i.project_id and e.message_id = i.message_id`;

const INSERT = `
  insert into events (message_id, event_type, project_id, generated, body, received_at, fired_through)
  select e.message_id, e.event_type, e.project_id, e.generated, e.body, $6, $7
    from unnest($1::text[], $2::text[], $3::text[], $4::text[]::timestamptz[], $5::text[])
         as e (message_id, event_type, project_id, generated, body)
  on conflict (project_id, message_id) do nothing`;

const LOCK_EVENT = `
  select fired_through as "firedThrough", received_at as "receivedAt", event_type as "eventType", generated, body
    from events where project_id = $1 and message_id = $2 for update`;

const SET_PROGRESS = 'update events set fired_through = $3 where project_id = $1 and message_id = $2';

const CANDIDATES = candidatesWhere(`coalesce(a.project_id, '') = any($1::text[]) and a.id > $2`);

export type EventStore = ReturnType<typeof createEventStore>;

/** Stores events and fires the alarms that match them. */
export function createEventStore(db: Database, options: EventStoreOptions) {
  const matching = eventMatching(options);
  return {
    /**
     * Stores events and fires alarms in one transaction, in the order of the events: as many from the start of the list
     * as one transaction may hold. Call it again with those that are not done. An event with an id that its project has
     * used before fires no alarm. So an event that is sent repeatedly, or concurrently, fires each alarm once.
     *
     * An alarm that another transaction has locked delays no other: `fireWhenFree` fires it, or `WaitingFirings`.
     *
     * An event that fires too many alarms for one transaction takes several calls, which may be of several requests:
     * each call fires more of them, in the order of their ids, and records in the event's row how far it came.
     */
    async record(events: readonly AlarmEvent[]): Promise<RecordedEvents> {
      for (;;) {
        try {
          return await db.transaction((tx) => record(tx, matching, events));
        } catch (thrown) {
          if (!(thrown instanceof StoredMeanwhile)) throw thrown; // the next try finds them
        }
      }
    },
    /** Fires the alarms that these events could not fire, when they are free. */
    fireWhenFree: (waiting: readonly EventKey[]): Promise<AwaitedFirings> => fireWhenFree(db, waiting, matching),
  };
}

/** How events are matched and fired, with caches of its own. */
export function eventMatching(options: EventStoreOptions): EventMatching {
  return {
    ...options,
    matcherOf: createMatcherCache(),
    openTimesOf: createOpenTimesSource().ofJson,
    silences: new OpenSilences(),
  };
}

async function record(tx: Sql, matching: EventMatching, events: readonly AlarmEvent[]): Promise<RecordedEvents> {
  const progress = await progressOf(tx, events);
  const isUnfinished = (one: AlarmEvent): boolean => typeof progress.get(keyOf(one)) === 'string';
  const [first] = events;
  if (first && isUnfinished(first)) return firePiece(tx, matching, first);
  const unfinished = events.findIndex(isUnfinished);
  const finished = unfinished === -1 ? events : events.slice(0, unfinished);
  const fresh = firstOfEach(finished).filter((one) => !progress.has(keyOf(one)));
  return recordNew(tx, matching, finished, fresh);
}

/** `fresh`: the events that are not stored. The others are done. */
async function recordNew(
  tx: Sql,
  matching: EventMatching,
  events: readonly AlarmEvent[],
  fresh: readonly AlarmEvent[],
): Promise<RecordedEvents> {
  const receivedAt = matching.now();
  const toMatch = eventsToMatch(fresh, receivedAt, matching);
  const hits = await judge(await candidates(tx, fresh), toMatch, matching.pause);
  const fitting = fittingEvents(fresh, hits);
  const [first] = fresh;
  if (first && fitting.length === 0) {
    await insert(tx, [first], receivedAt, '');
    const piece = await firePiece(tx, matching, first);
    return { ...piece, done: piece.done + events.indexOf(first) };
  }
  await insert(tx, fitting, receivedAt, null);
  const next = fresh[fitting.length];
  const fired = await fireKeepingLocked(
    tx,
    hitsBy(fitting, hits),
    eventsToMatch(fitting, receivedAt, matching),
    matching,
  );
  return {
    ...fired,
    done: next ? events.indexOf(next) : events.length,
    stored: fitting.length,
  };
}

/**
 * Fires the next alarms of an event that fires too many for one transaction. The event is the stored one: a later
 * request with the same id may have other contents.
 */
async function firePiece(
  tx: Sql,
  matching: EventMatching,
  { projectId, messageId }: EventKey,
): Promise<RecordedEvents> {
  const { rows } = await tx.query<StoredEvent>(LOCK_EVENT, [projectId, messageId]);
  const stored = rows[0];
  // By another request.
  if (typeof stored?.firedThrough !== 'string')
    return { done: 1, stored: 0, firings: [], notifications: 0, waiting: [] };
  const { firedThrough, receivedAt } = stored;
  const event = eventIn(stored, { projectId, messageId });
  const toMatch = eventsToMatch([event], receivedAt, matching);
  const hits = await judge(await candidates(tx, [event], firedThrough), toMatch, matching.pause);
  const fitting = fittingHits(hits);
  const fired = await fireKeepingLocked(tx, fitting, toMatch, matching);
  const isDone = fitting.size === hits.size;
  await tx.query(SET_PROGRESS, [projectId, messageId, isDone ? null : [...fitting.keys()].at(-1)]);
  return { ...fired, done: isDone ? 1 : 0, stored: isDone ? 1 : 0 };
}

/** Fires alarms. Those that another transaction has locked are kept in the rows of their events. */
async function fireKeepingLocked(
  tx: Sql,
  hits: ReadonlyMap<string, EventHit>,
  toMatch: EventsToMatch,
  matching: EventMatching,
): Promise<FiredAlarms & Pick<RecordedEvents, 'waiting'>> {
  const { locked, ...fired } = await fireAlarms(tx, hits, toMatch, matching);
  const pairs = waitingPairs(locked, hits);
  await keepLocked(tx, pairs);
  return { ...fired, waiting: [...new Set(pairs.map(({ event }) => event))] };
}

interface StoredEvent extends EventProgress, EventRow {
  receivedAt: Date;
}

interface EventProgress {
  /** The id of the last alarm that was fired; '' before the first, null when all were. */
  firedThrough: string | null;
}

/** `firedThrough` of the events that are stored. */
async function progressOf(tx: Sql, events: readonly AlarmEvent[]): Promise<ReadonlyMap<string, string | null>> {
  const { rows } = await tx.query<EventKey & EventProgress>(PROGRESS, [
    events.map(({ projectId }) => projectId),
    events.map(({ messageId }) => messageId),
  ]);
  return new Map(rows.map((row) => [keyOf(row), row.firedThrough]));
}

/** Stores events. @throws StoredMeanwhile if one of them is stored already. */
async function insert(
  tx: Sql,
  events: readonly AlarmEvent[],
  receivedAt: Date,
  firedThrough: EventProgress['firedThrough'],
): Promise<void> {
  if (events.length === 0) return;
  // All requests insert in the same order, to avoid a deadlock between two with the same events.
  const sorted = [...events].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const { rowCount } = await tx.query(INSERT, [
    sorted.map(({ messageId }) => messageId),
    sorted.map(({ eventType: type }) => type),
    sorted.map(({ projectId }) => projectId),
    sorted.map(({ generated }) => generated?.toISOString() ?? null),
    sorted.map(({ raw }) => JSON.stringify(raw)),
    receivedAt,
    firedThrough,
  ]);
  if (rowCount < events.length) throw new StoredMeanwhile();
}

function firstOfEach(events: readonly AlarmEvent[]): AlarmEvent[] {
  const unique = new Map<string, AlarmEvent>();
  for (const one of events) if (!unique.has(keyOf(one))) unique.set(keyOf(one), one);
  return [...unique.values()];
}

function keyOf({ projectId, messageId }: EventKey): string {
  return JSON.stringify([projectId, messageId]);
}

async function candidates(tx: Sql, events: readonly AlarmEvent[], afterId = ''): Promise<CandidateRow[]> {
  if (events.length === 0) return [];
  const projects = [...new Set(events.map(({ projectId }) => projectId))];
  return (await tx.query<CandidateRow>(CANDIDATES, [projects, afterId])).rows;
}
