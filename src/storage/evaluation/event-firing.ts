import type { AlarmState } from '../../alarm/state.js';
import { stateTimeAfter } from '../../alarm/state-time.js';
import { decide } from '../../alarm/decide.js';
import type { DeliveryPolicy } from '../../alarm/alarm.js';
import type { AlarmLink } from '../../alarm/notification.js';
import type { AlarmEvent } from '../../alarm/types/event/event.js';
import { event as eventType } from '../../alarm/types/event/index.js';
import type { EventRule } from '../../alarm/types/event/schema.js';
import type { Sql } from '../database.js';
import type { OpenSilences } from '../silences/open-silences.js';
import {
  EVENT_ALARM_COLUMNS,
  matchingEvents,
  ON_EVENTS,
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
import { matchedAlarmOf } from './matched-alarm.js';

/** Clock and settings of firings. */
export interface EventFiringOptions {
  now: () => Date;
  /** Age that gives `staleBefore` in `OutcomeRows`. */
  staleAfterMs: number;
  defaultPolicy: DeliveryPolicy;
  /** The links in the bodies of notifications. Default: bodies have none. */
  alarmLink?: AlarmLink | undefined;
}

/** What firings need. */
export interface FiringContext extends EventFiringOptions {
  silences: OpenSilences;
  /** True: waits for alarms that another transaction has locked. Default: they are not fired. */
  waits?: boolean;
}

/** One firing of one alarm by one event. */
export interface EventFiring {
  alarmId: string;
  from: AlarmState;
  to: AlarmState;
  reason: string;
  stateVersion: number;
}

/** The result of firing alarms. */
export interface FiredAlarms {
  firings: EventFiring[];
  /** Number of new notifications. */
  notifications: number;
}

/** The events that match one version of an alarm's definition. */
export interface EventHit {
  definitionVersion: number;
  events: AlarmEvent[];
  /** Notifications of one firing, and at least 1. */
  weight: number;
}

/**
 * The default policy of event alarms: a newer event does not make an older one untrue. `notifier.policy` is for states
 * and does not apply.
 */
const EVENT_POLICY: DeliveryPolicy = 'every';

/** Locks alarms in order of their ids, to avoid a deadlock between two requests that wait. */
const WAIT_AND_LOCK = `
  select ${EVENT_ALARM_COLUMNS}, a.state, ${OUTCOME_COLUMNS} from alarms a where a.id = any($1::text[]) and ${ON_EVENTS}
    order by a.id for update of a`;
/** Skips alarms that another transaction has locked, so that one such alarm delays no other. */
const LOCK = `${WAIT_AND_LOCK} skip locked`;

const PRESENT = `select a.id from alarms a where a.id = any($1::text[]) and ${ON_EVENTS} order by a.id`;

/** The revision stays: evaluators do not keep event alarms in memory, and combinations read the stored state. */
const SET_STATE = `
  update alarms a set state = 'alarm', state_version = i.state_version, state_reason = i.reason,
         state_timestamp = case when a.state = 'alarm' then a.state_timestamp else i.at end
    from unnest($1::text[], $2::bigint[], $3::text[], $4::text[]::timestamptz[]) as i (id, state_version, reason, at)
   where a.id = i.id`;

type TimedFiring = AppliedChange & { at: Date };
type LockedAlarm = EventAlarmRow & OutcomeAlarm & { state: AlarmState };

/**
 * Fires alarms: writes state, history and notifications. It locks the alarms and decides with their present state. An
 * alarm that was edited since it matched is matched again. Returns the ids of those that another transaction has
 * locked: they are not fired.
 */
export async function fireAlarms(
  tx: Sql,
  hits: ReadonlyMap<string, EventHit>,
  toMatch: EventsToMatch,
  options: FiringContext,
): Promise<FiredAlarms & { locked: string[] }> {
  if (hits.size === 0) return { firings: [], notifications: 0, locked: [] };
  const { rows } = await tx.query<LockedAlarm>(options.waits ? WAIT_AND_LOCK : LOCK, [[...hits.keys()]]);
  const locked = await lockedByOthers(tx, [...hits.keys()], rows);
  const at = options.now(); // after the alarms are locked, so that the times in an alarm's history rise
  const changed = rows.flatMap((row) => {
    const hit = hits.get(row.id);
    const isSame = hit?.definitionVersion === row.definition_version;
    return firingsOf(row, isSame ? hit.events : matchingEvents(row, toMatch), stateTimeAfter(row.state_timestamp, at));
  });
  await setStates(tx, changed);
  const fired = [...new Map(changed.map((one) => [one.row.id, one])).values()];
  const silencedBy = await options.silences.holding(tx, fired.map(matchedAlarmOf), at);
  const notifications = await writeOutcomeRows(tx, {
    changed,
    repeated: [],
    at,
    staleBefore: new Date(at.getTime() - options.staleAfterMs),
    defaultPolicy: options.defaultPolicy,
    silencedBy,
    alarmLink: options.alarmLink,
  });
  return { firings: changed.map(firingOf), notifications, locked };
}

/** Those of the alarms that are still there and that this transaction has not locked. */
async function lockedByOthers(tx: Sql, ids: readonly string[], locked: readonly LockedAlarm[]): Promise<string[]> {
  const mine = new Set(locked.map(({ id }) => id));
  const left = ids.filter((id) => !mine.has(id));
  if (left.length === 0) return [];
  return (await tx.query<{ id: string }>(PRESENT, [left])).rows.map(({ id }) => id);
}

/** The first event may change the state. Each later event fires again, from alarm to alarm, if actions are repeated. */
function firingsOf(row: LockedAlarm, events: readonly AlarmEvent[], at: Date): TimedFiring[] {
  const { query } = JSON.parse(row.rule) as EventRule;
  const firings: TimedFiring[] = [];
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
      at,
      row: { ...row, delivery_policy: row.delivery_policy ?? EVENT_POLICY, state_version: version },
    });
    state = 'alarm';
  }
  return firings;
}

/** Writes the state of the last firing of each alarm. */
async function setStates(tx: Sql, changed: readonly TimedFiring[]): Promise<void> {
  const last = [...new Map(changed.map((one) => [one.row.id, one])).values()];
  if (last.length === 0) return;
  await tx.query(SET_STATE, [
    last.map(({ row }) => row.id),
    last.map(({ row }) => row.state_version),
    last.map(({ outcome }) => outcome.reason),
    last.map((one) => one.at.toISOString()),
  ]);
}

function firingOf({ outcome: { from, to, reason }, row }: AppliedChange): EventFiring {
  return { alarmId: row.id, from, to, reason, stateVersion: row.state_version };
}
