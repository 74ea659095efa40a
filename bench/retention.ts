import { atLeast, plain, type Figure } from './figure.js';
import type { Rig } from './rig.js';
import { EMPTY } from './delivery.js';
import { createNotificationRetention } from '../src/storage/retention/notification-retention.js';
import { createRetentionStore, PRUNE_BATCH } from '../src/storage/retention/retention-store.js';

/** Alarms that repeat their one action at every interval of a minute. */
const REPEATING_ALARMS = 50_000;
const REPEATS_PER_SECOND = REPEATING_ALARMS / 60;
/** Repeats are kept for an hour by default: so many rows of them are there at any time. */
const KEPT_MINUTES = 60;
/** Minutes of repeats that are older, and are deleted here. */
const OLD_MINUTES = 6;
const HISTORY_ROWS = 300_000;

/** Deletion of ended repeats, beside those that 50,000 repeating alarms leave in an hour, and of old history. */
export async function benchRetention({ db }: Rig): Promise<Figure[]> {
  await db.query(EMPTY);
  for (let minute = 1 - KEPT_MINUTES; minute <= OLD_MINUTES; minute += 1) await storeRepeats({ db }, minute);
  await storeHistory({ db });
  await db.query('analyze notifications, notification_bodies, attempts, alarm_history');
  const never = new Date(0);
  const limits = { delivered: never, dead: never, hosts: never, holds: never, hours: never };
  const repeats = new Date(Date.now() - KEPT_MINUTES * 60_000);
  const pruneNotifications = createNotificationRetention(db);
  const repeatsPerSecond = await deletedPerSecond(() => pruneNotifications({ ...limits, repeats }));
  const { pruneHistory } = createRetentionStore(db);
  const historyPerSecond = await deletedPerSecond(() => pruneHistory(repeats));
  const rows = await db.query<{ size: number }>(
    `select sum(pg_total_relation_size(t::regclass))::float8 as size
       from unnest(array['notifications', 'notification_bodies', 'attempts']) t`,
  );
  return [
    atLeast(
      `repeats deleted, with bodies and attempts (${REPEATING_ALARMS.toLocaleString('en')} repeating alarms end ` +
        `${Math.round(REPEATS_PER_SECOND)} a second)`,
      repeatsPerSecond,
      'per second',
      Math.ceil(REPEATS_PER_SECOND),
    ),
    plain('… size of the notifications of an hour, with indexes', (rows.rows[0]?.size ?? 0) / 2 ** 20, 'MiB'),
    plain('history deleted', historyPerSecond, 'rows per second'),
  ];
}

async function deletedPerSecond(prune: () => Promise<number>): Promise<number> {
  const startedMs = performance.now();
  let deleted = 0;
  for (let batch = PRUNE_BATCH; batch >= PRUNE_BATCH;) deleted += batch = await prune();
  return deleted / ((performance.now() - startedMs) / 1000);
}

/** Delivered repeats that ended `minute` minutes before the time at which repeats are deleted. */
async function storeRepeats({ db }: Pick<Rig, 'db'>, minute: number): Promise<void> {
  await db.query(
    `with repeats as (
       insert into notifications (id, alarm_id, project_id, kind, sequence, slot, transition_time, action_list,
         action_index, action, lane, host, body_id, next_attempt_at, created_at, status, finished_at, attempt)
       select gen_random_uuid()::text, 'alarm' || n, 'project' || n % 100, 'repeat', 1, $1, now(), 'alarm_actions', 0,
         'http://127.0.0.1:9/hook', 'lane' || n, '127.0.0.1:9', gen_random_uuid(), ended.at, ended.at, 'delivered',
         ended.at, 1
         from generate_series(1, $2::int) n,
              lateral (select now() - make_interval(mins => $3::int, secs => 60 - n % 60) as at) ended
       returning id, body_id, finished_at
     ), bodies as (
       insert into notification_bodies (id, body) select body_id, repeat('x', 600) from repeats
     )
     insert into attempts (notification_id, attempt, started_at, duration_ms, outcome, http_status)
     select id, 1, finished_at, 0, 'delivered', 204 from repeats`,
    [minute, REPEATING_ALARMS, KEPT_MINUTES + minute],
  );
}

async function storeHistory({ db }: Pick<Rig, 'db'>): Promise<void> {
  await db.query(
    `insert into alarm_history (event_id, alarm_id, type, detail, project_id, on_behalf_of, timestamp, state_version,
       previous_state)
     select gen_random_uuid()::text, 'alarm' || n % 50000, 'state transition',
       '{"state": "alarm", "transition_reason": "Transition to alarm due to 1 samples outside threshold"}', 'p', 'p',
       now() - interval '2 hours', n, 'ok'
       from generate_series(1, $1::int) n`,
    [HISTORY_ROWS],
  );
}
