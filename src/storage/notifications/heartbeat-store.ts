import { randomUUID } from 'node:crypto';

import { ACTION_LIST_OF } from '../../alarm/alarm.js';
import { HEARTBEAT_ID, heartbeatBody } from '../../alarm/heartbeat.js';
import { receiverOf, type StoredAction } from '../../alarm/stored-action.js';
import type { Database } from '../database.js';
import type { Sealer } from '../secrets/sealed.js';
import { sealActions } from '../secrets/sealed-actions.js';
import { isPaused } from './delivery-pause-store.js';

/** Settings of the heartbeat. */
export interface HeartbeatOptions {
  url: string;
  /** One heartbeat is written in each period of this length. Periods are counted since 1970. */
  everyMs: number;
  /** Interval of evaluation. */
  intervalMs: number;
  sealer: Sealer;
}

/** Why a heartbeat is withheld. */
export interface HeartbeatLateness {
  /** Partitions that were not evaluated within two intervals. */
  unevaluated: number;
  /** True if a notification has been due for longer than a minute. */
  isDeliveryLate: boolean;
}

/** What became of the heartbeat of the present period. `exists`: this or another notifier has written it before. */
export type HeartbeatResult = { kind: 'written' | 'exists' } | ({ kind: 'withheld' } & HeartbeatLateness);

/** Writes heartbeats: notifications that a notifier sends as any other. */
export interface HeartbeatStore {
  /** Writes the heartbeat of the present period if all is well. Any number of notifiers may call it. */
  beat(now: Date): Promise<HeartbeatResult>;
  /** When the last heartbeat was written; null if none is stored. */
  lastAt(): Promise<Date | null>;
}

/** The alarm id of stored heartbeats. No alarm has it: ids of imported alarms are chosen by clients, but not empty. */
const NO_ALARM = '';
/** A notification that is due for longer shows that delivery is late. */
const LATE_AFTER_MS = 60_000;

const EXISTS = 'select from notifications where id = $1';
const LAST_AT = `
  select created_at as at from notifications where alarm_id = '${NO_ALARM}' order by created_at desc, id desc limit 1`;

/**
 * Counts the partitions that are late, and looks for a head of a delivery queue that could have been sent for a minute.
 * Left out are heartbeats, paused and delayed queues, and hosts that did not answer: these get one attempt at a time.
 */
const LATENESS = `
  select (select count(*)::int from partitions where last_evaluated_at is null or last_evaluated_at < $1)
           as unevaluated,
         exists (
           select from notifications n
            where n.status = 'pending' and n.next_attempt_at < $2 and n.kind <> 'heartbeat'
              and not exists (
                select from notifications h
                 where h.lane = n.lane and h.status in ('pending', 'in_flight') and h.ordinal < n.ordinal)
              and not exists (select from delivery_holds d where d.lane = n.lane and d.not_before > $2)
              and not exists (select from receiver_hosts r where r.host = n.host and not r.answered)
              and not ${isPaused('n.project_id', '$3')}
         ) as "isDeliveryLate"`;

/** The id names the period, so that the database stores only the first heartbeat of each period. */
const WRITE = `
  with written as (
    insert into notifications (id, alarm_id, kind, sequence, transition_time, action_list, action_index, action, lane,
      host, body_id, next_attempt_at, created_at)
    values ($1, '${NO_ALARM}', 'heartbeat', $2::bigint, $3::timestamptz, $4, 0, $5, $6, $7, $8::text::uuid, $3, $3)
    on conflict (id) do nothing returning body_id
  )
  insert into notification_bodies (id, body, action_secrets) select body_id, $9, $10 from written`;

/** Creates the store of heartbeats. Their URL is sealed as an action of an alarm is. */
export function createHeartbeatStore(db: Database, options: HeartbeatOptions): HeartbeatStore {
  const { url, everyMs, intervalMs, sealer } = options;
  const owner = { id: NO_ALARM, projectId: null, alarmActions: null, insufficientDataActions: null };
  const { okActions, actionSecrets } = sealActions({ ...owner, okActions: [url] }, sealer, undefined);
  const [action] = okActions as [StoredAction];
  const body = heartbeatBody(everyMs);

  async function latenessAt(now: Date): Promise<HeartbeatLateness> {
    const before = (ms: number): Date => new Date(now.getTime() - ms);
    const limits = [before(2 * intervalMs), before(LATE_AFTER_MS), now];
    const { rows } = await db.query<HeartbeatLateness>(LATENESS, limits);
    return rows[0] ?? { unevaluated: 0, isDeliveryLate: false };
  }

  return {
    async beat(now) {
      const period = Math.floor(now.getTime() / everyMs) * everyMs;
      const id = `${HEARTBEAT_ID}-${period}`;
      if ((await db.query(EXISTS, [id])).rows.length > 0) return { kind: 'exists' };
      const lateness = await latenessAt(now);
      if (lateness.unevaluated > 0 || lateness.isDeliveryLate) return { kind: 'withheld', ...lateness };
      const host = receiverOf(action);
      const address = [ACTION_LIST_OF.ok, action, HEARTBEAT_ID, host];
      const { rowCount } = await db.query(WRITE, [id, period, now, ...address, randomUUID(), body, actionSecrets]);
      return { kind: rowCount > 0 ? 'written' : 'exists' };
    },
    async lastAt() {
      return (await db.query<{ at: Date }>(LAST_AT)).rows[0]?.at ?? null;
    },
  };
}
