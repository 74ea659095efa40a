import type { DeliveryPolicy } from '../../alarm/alarm.js';
import type { AlarmState } from '../../alarm/state.js';
import { decide } from '../../alarm/decide.js';
import { createOpenTimesSource } from '../../alarm/time-constraint/open-times.js';
import type { AlarmEvent } from '../../alarm/types/event/event.js';
import { event as eventType } from '../../alarm/types/event/index.js';
import type { EventRule } from '../../alarm/types/event/schema.js';
import type { Database, Sql } from '../database.js';
import {
  matchingEvents,
  createMatcherCache,
  eventsToMatch,
  type EventAlarmRow,
  type EventsToMatch,
} from './event-matches.js';
import {
  OUTCOME_COLUMNS,
  writeOutcomeRows,
  type TransitionOrRepeat,
  type OutcomeAlarm,
  type AppliedChange,
} from './outcome-rows.js';

/** Clock and settings of the event store. */
export interface EventStoreOptions {
  now: () => Date;
  /** Yields to the event loop. Called between judgements, since many events and alarms take long. */
  pause: () => Promise<void>;
  /** Age that gives `staleBefore` in `OutcomeRows`. */
  staleAfterMs: number;
  defaultPolicy: DeliveryPolicy;
}

/** One firing of one alarm by one event. */
export interface EventFiring {
  alarmId: string;
  from: AlarmState;
  to: AlarmState;
  reason: string;
  stateVersion: number;
}

/** The result of storing events. */
export interface RecordedEvents {
  /** Number of events that were new. */
  stored: number;
  firings: EventFiring[];
  /** Number of new notifications. */
  notifications: number;
}

/** Most firings of one transaction. It locks their alarms, and an edit of one must not wait long. */
const MAX_FIRINGS = 5_000;
/** Number of judgements after which other work gets the event loop. */
const JUDGEMENTS_WITHOUT_PAUSE = 5_000;

/**
 * The default policy of event alarms: a newer event does not make an older one untrue. `notifier.policy` is for states
 * and does not apply.
 */
const EVENT_POLICY: DeliveryPolicy = 'every';

class TooManyFirings extends Error {}

const INSERT = `
  insert into events (message_id, event_type, project_id, generated, body, received_at)
  select e.message_id, e.event_type, e.project_id, e.generated, e.body, $6
    from unnest($1::text[], $2::text[], $3::text[], $4::text[]::timestamptz[], $5::text[])
         as e (message_id, event_type, project_id, generated, body)
  on conflict (project_id, message_id) do nothing returning project_id as "projectId", message_id as "messageId"`;

const EVENT_ALARM_COLUMNS = `a.id, coalesce(a.project_id, '') as owner, a.rule, a.time_constraints,
  a.definition_version, a.repeat_actions`;
const ON_EVENTS = `a.deleted_at is null and a.enabled and a.type = 'event'`;

/** Leaves out alarms that no event can change: in state alarm, without `repeat_actions`. */
const CANDIDATES = `
  select ${EVENT_ALARM_COLUMNS} from alarms a
   where coalesce(a.project_id, '') = any($1::text[]) and ${ON_EVENTS} and (a.state <> 'alarm' or a.repeat_actions)`;

/** Locks alarms in order of their ids, to avoid a deadlock between two requests. */
const LOCK = `
  select ${EVENT_ALARM_COLUMNS}, a.state, ${OUTCOME_COLUMNS} from alarms a where a.id = any($1::text[]) and ${ON_EVENTS}
    order by a.id for update`;

/** The revision stays: evaluators do not keep event alarms in memory, and combinations read the stored state. */
const SET_STATE = `
  update alarms a set state = 'alarm', state_version = i.state_version, state_reason = i.reason,
         state_timestamp = case when a.state = 'alarm' then a.state_timestamp else $4::timestamptz end
    from unnest($1::text[], $2::bigint[], $3::text[]) as i (id, state_version, reason) where a.id = i.id`;

type LockedAlarm = EventAlarmRow & OutcomeAlarm & { state: AlarmState };

export type EventStore = ReturnType<typeof createEventStore>;

/** Stores events and fires the alarms that match them. */
export function createEventStore(db: Database, options: EventStoreOptions) {
  const caches = { matcherOf: createMatcherCache(), openTimesOf: createOpenTimesSource().ofJson };
  return {
    /**
     * Stores events and fires alarms in one transaction, in the order of the events. An event with an id that its
     * project has used before is not new and fires no alarm. So an event that is sent repeatedly, or concurrently,
     * fires each alarm once. Returns undefined, and stores nothing, if the events would fire more alarms than one
     * transaction may: call it with fewer events. A single event is always accepted.
     */
    async record(events: readonly AlarmEvent[]): Promise<RecordedEvents | undefined> {
      try {
        return await db.transaction((tx) => record(tx, { ...options, ...caches }, events));
      } catch (thrown) {
        if (thrown instanceof TooManyFirings) return undefined;
        throw thrown;
      }
    },
  };
}

async function record(
  tx: Sql,
  options: EventStoreOptions & Pick<EventsToMatch, 'matcherOf' | 'openTimesOf'>,
  events: readonly AlarmEvent[],
): Promise<RecordedEvents> {
  const receivedAt = options.now();
  const fresh = await insert(tx, events, receivedAt);
  const toMatch = eventsToMatch(fresh, receivedAt, options);
  const hits = await judge(await candidates(tx, fresh), toMatch, options.pause);
  const matched = [...hits.values()].reduce((sum, { events: those }) => sum + those.length, 0);
  if (matched > MAX_FIRINGS && events.length > 1) throw new TooManyFirings();
  const changed = await fire(tx, hits, toMatch);
  const at = options.now(); // after the alarms are locked, so that the times in an alarm's history rise
  await setStates(tx, changed, at);
  const notifications = await writeOutcomeRows(tx, {
    changed,
    repeated: [],
    at,
    staleBefore: new Date(at.getTime() - options.staleAfterMs),
    defaultPolicy: options.defaultPolicy,
  });
  return { stored: fresh.length, firings: changed.map(firingOf), notifications };
}

/** Stores events and returns the new ones, in the given order. */
async function insert(tx: Sql, events: readonly AlarmEvent[], receivedAt: Date): Promise<AlarmEvent[]> {
  const unique = new Map<string, AlarmEvent>();
  for (const one of events) if (!unique.has(keyOf(one))) unique.set(keyOf(one), one);
  // All requests insert in the same order, to avoid a deadlock between two with the same events.
  const sorted = [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  const { rows } = await tx.query<Pick<AlarmEvent, 'projectId' | 'messageId'>>(INSERT, [
    sorted.map(({ messageId }) => messageId),
    sorted.map(({ eventType: type }) => type),
    sorted.map(({ projectId }) => projectId),
    sorted.map(({ generated }) => generated?.toISOString() ?? null),
    sorted.map(({ raw }) => JSON.stringify(raw)),
    receivedAt,
  ]);
  const stored = new Set(rows.map(keyOf));
  return [...unique].flatMap(([key, one]) => (stored.has(key) ? [one] : []));
}

function keyOf({ projectId, messageId }: Pick<AlarmEvent, 'projectId' | 'messageId'>): string {
  return JSON.stringify([projectId, messageId]);
}

async function candidates(tx: Sql, events: readonly AlarmEvent[]): Promise<EventAlarmRow[]> {
  if (events.length === 0) return [];
  const projects = [...new Set(events.map(({ projectId }) => projectId))];
  return (await tx.query<EventAlarmRow>(CANDIDATES, [projects])).rows;
}

/** The events that matched one version of an alarm's definition. */
interface Hit {
  definitionVersion: number;
  events: AlarmEvent[];
}

async function judge(
  alarms: readonly EventAlarmRow[],
  toMatch: EventsToMatch,
  pause: EventStoreOptions['pause'],
): Promise<Map<string, Hit>> {
  const hits = new Map<string, Hit>();
  let judgements = 0;
  for (const alarm of alarms) {
    const group = toMatch.byProject.get(alarm.owner);
    const costBefore = group?.cost ?? 0;
    const found = matchingEvents(alarm, toMatch);
    if (found.length > 0) hits.set(alarm.id, { definitionVersion: alarm.definition_version, events: found });
    if (group) judgements += group.events.length + group.cost - costBefore;
    if (judgements < JUDGEMENTS_WITHOUT_PAUSE) continue;
    await pause();
    judgements = 0;
  }
  return hits;
}

/** Locks the matching alarms and decides with their present state. An alarm that was edited is matched again. */
async function fire(tx: Sql, hits: ReadonlyMap<string, Hit>, toMatch: EventsToMatch): Promise<AppliedChange[]> {
  if (hits.size === 0) return [];
  const { rows } = await tx.query<LockedAlarm>(LOCK, [[...hits.keys()]]);
  return rows.flatMap((row) => {
    const hit = hits.get(row.id);
    const isSame = hit?.definitionVersion === row.definition_version;
    return firingsOf(row, isSame ? hit.events : matchingEvents(row, toMatch));
  });
}

/** The first event may change the state. Each later event fires again, from alarm to alarm, if actions are repeated. */
function firingsOf(row: LockedAlarm, events: readonly AlarmEvent[]): AppliedChange[] {
  const { query } = JSON.parse(row.rule) as EventRule;
  const firings: AppliedChange[] = [];
  let { state } = row;
  for (const one of events) {
    const verdict = { verdict: 'alarm', findings: { query, event: one } } as const;
    const decision = decide({ state, repeatActions: row.repeat_actions }, verdict, eventType);
    if (decision.kind === 'stay') break;
    const { reason, reasonData } = decision;
    // A transition and not a repeat: Aodh records every firing, and each has its own event, so a newer firing does not
    // replace it.
    const outcome: TransitionOrRepeat = { kind: 'transition', from: state, to: 'alarm', reason, reasonData };
    const version = row.state_version + firings.length + 1;
    firings.push({
      outcome,
      row: { ...row, delivery_policy: row.delivery_policy ?? EVENT_POLICY, state_version: version },
    });
    state = 'alarm';
  }
  return firings;
}

/** Writes the state of the last firing of each alarm. */
async function setStates(tx: Sql, changed: readonly AppliedChange[], at: Date): Promise<void> {
  const last = [...new Map(changed.map((one) => [one.row.id, one])).values()];
  if (last.length === 0) return;
  await tx.query(SET_STATE, [
    last.map(({ row }) => row.id),
    last.map(({ row }) => row.state_version),
    last.map(({ outcome }) => outcome.reason),
    at,
  ]);
}

function firingOf({ outcome: { from, to, reason }, row }: AppliedChange): EventFiring {
  return { alarmId: row.id, from, to, reason, stateVersion: row.state_version };
}
