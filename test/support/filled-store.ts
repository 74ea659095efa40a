import { ALARM_KINDS } from '../../src/alarm/types/index.js';
import { createAlarmStore } from '../../src/storage/alarms/alarm-store.js';
import { NO_QUOTAS } from '../../src/storage/alarms/alarm-insert-store.js';
import type { Database } from '../../src/storage/database.js';
import { createReceiverStore } from '../../src/storage/receivers/receiver-store.js';
import { createSigningSecretStore } from '../../src/storage/receivers/signing-secret-store.js';
import type { Sealer } from '../../src/storage/secrets/sealed.js';
import { createTrustStore } from '../../src/storage/secrets/trust-store.js';
import { aStoredAlarm, anEntry } from '../contract/alarm-store.js';
import { NOON } from './builders.js';
import { storeNotifications } from './stored-notifications.js';

const HOOK = 'https://user:s3cret@hooks.example/v1?sig=abc';
export const STATUSES = ['pending', 'in_flight', 'delivered', 'dead', 'superseded', 'cancelled', 'silenced'] as const;
/** More than one page of an export, and than one batch of an import. */
export const SAMPLES = 3_000;

/** A moment that a Date of JavaScript cannot hold: it has microseconds. */
const MOMENT = "'2026-01-01 12:00:00.123457+00'";
const ODD_TEXT = `E'na"me \\\\ {,} \\n\\t \u00e9 \u{1f600} null'`;

/** Rows with values that are easily changed on their way: large numbers, microseconds, infinity, odd texts. */
const ROWS = [
  `insert into alarm_members values ('kind-combination', 'kind-threshold')`,
  `insert into attempts (notification_id, attempt, started_at, duration_ms, outcome, http_status, error, answer)
   values ('n-dead', 1, ${MOMENT}, 12, 'retry', 503, ${ODD_TEXT}, null)`,
  `insert into notification_bodies (id, body, action_secrets)
   select gen_random_uuid(), ${ODD_TEXT}, action_secrets from alarms where action_secrets is not null`,
  `insert into receiver_hosts values ('h:80', true, ${MOMENT}, null)`,
  `insert into delivery_holds values ('lane', ${MOMENT})`,
  `insert into delivery_pauses (project_id, paused_at, reason) values ('*', ${MOMENT}, ${ODD_TEXT})`,
  `insert into notification_hours values ('p', ${MOMENT}, 7, null)`,
  `insert into silences (id, project, is_admins, matchers, starts_at, cron, duration_s, timezone, reason, owner,
     over_at, created_at, projects)
   values ('s', null, true, '[{"field": "name", "value": "a"}]', ${MOMENT}, '0 3 * * *', 60, 'UTC', ${ODD_TEXT}, 'u',
     'infinity', ${MOMENT}, array['p', 'q'])`,
  `insert into silence_changes (silence_id, kind, at, user_id, project_id, changed)
   values ('s', 'created', ${MOMENT}, 'u', null, '{}'), ('s', 'changed', ${MOMENT}, 'u', 'p', '{reason,"a b"}')`,
  `update partitions set epoch = 9007199254740993 + id, owner = 'evaluator-1', loaded_epoch = 1,
     evaluation_started_at = ${MOMENT}, last_evaluated_at = ${MOMENT}, behind = '{"a": {"dueMs": 1.0, "lastMs": null}}'
    where id < 100`,
  `insert into samples (message_id, meter, type, unit, volume, resource_id, project_id, user_id, source, timestamp,
     recorded_at, resource_metadata)
   select 'm' || n, 'cpu', 'gauge', '%', n * 0.1, 'r' || n % 10, 'p', null, 'test',
     ${MOMENT}::timestamptz + n * interval '1 microsecond', ${MOMENT}, '{"n": 12345678901234567890.10, "é": [null]}'
     from generate_series(1, ${SAMPLES}) n`,
  `insert into samples (message_id, meter, type, unit, volume, resource_id, source, timestamp, recorded_at,
     resource_metadata)
   select 'edge' || n, 'edge', 'gauge', '', v, '', '', ${MOMENT}, ${MOMENT}, '{}'
     from unnest('{5e-324,1.7976931348623157e308,0.30000000000000004,-0,NaN,Infinity}'::float8[]) with ordinality
       as e (v, n)`,
  `insert into meter_resources values ('cpu', 'r1', '', null, 'test', 'gauge', '%', ${MOMENT}, ${MOMENT}, 'null')`,
  `insert into events values ('e1', 'compute.x', '', ${MOMENT}, ${ODD_TEXT}, ${MOMENT}, 'a-7')`,
  `insert into evaluation_counters values ('kind-threshold', 9007199254740993, 0, 9223372036854775807)`,
  `insert into quotas values ('p', 'alarms', -1)`,
  `insert into alarm_counts values ('project', 'p', 9007199254740993)`,
  `insert into api_keys (id, secret_hash, project_id, user_id, role, created_by, created_at)
   values ('k', repeat('ab', 32), 'p', 'u', 'member', 'admin', ${MOMENT})`,
  `insert into idempotency_keys (project_id, user_id, route, key, request_hash, made_at, status)
   values ('p', '', 'POST /v2/alarms', 'key', 'hash', ${MOMENT}, 201)`,
  `select keep_audit_days('2025-11-03', 36500), keep_audit_days('2026-01-01', 36500)`,
  `insert into audit_entries (at, id, action, outcome, count, roles, all_projects_key, changed)
   values ('2025-11-02 00:00:00.000001+00', 'a1', 'alarm.create', 'done', 1, '{admin,"a,b"}', false, null),
          (${MOMENT}, 'a2', 'alarm.create', 'done', 3, '{}', true, '{}')`,
];

/** Rows that belong to the processes and readers of this database. */
const LEFT_BEHIND = [
  `insert into members (id, role, heartbeat_at) values ('evaluator-1', 'evaluator', ${MOMENT})`,
  `insert into processes (id, roles, version, host, pid, started_at, heartbeat_at)
   values ('process-1', '{api}', '1.0.0', 'h', 1, ${MOMENT}, ${MOMENT})`,
  `insert into sessions values ('s', 'sealed', 'account', ${MOMENT}, 'infinity')`,
  `insert into stream_entries (kind, object_id, change, at) values ('silence', 's', 'created', ${MOMENT})`,
];

const ALARM_OF_EACH_KIND = `
  insert into alarms (id, project_id, user_id, type, name, description, enabled, rule, ok_actions, alarm_actions,
    insufficient_data_actions, repeat_actions, severity, time_constraints, delivery_policy, evaluation_options,
    timestamp, created_at, state, state_version, state_reason, state_timestamp, query_key, partition,
    previous_partition, told_state)
  select 'kind-' || kind, case when kind = 'event' then null else 'p' end, 'u', kind, ${ODD_TEXT}, '', true,
    '{"threshold": 1.0, "text": "\\u0000\\"", "b": 1e400}', null, array['log://', 'http://h/?a="b",{c}', '', 'null'],
    '{}', true, 'low', '[]', 'every', null, ${MOMENT}, ${MOMENT}, 'ok', 9007199254740993, ${ODD_TEXT}, ${MOMENT},
    kind, 255, 0, 'alarm' from unnest($1::text[]) kind`;

/** Writes rows into every table: alarms of each kind, notifications in each status, secrets, and the rest. */
export async function fillStore(db: Database, sealer: Sealer): Promise<void> {
  await db.query(ALARM_OF_EACH_KIND, [ALARM_KINDS]);
  await createAlarmStore(db, { sealer, quotas: NO_QUOTAS }).create({
    alarm: aStoredAlarm({ id: 'secret', alarmActions: [HOOK] }),
    memberProject: null,
    entry: anEntry({ alarmId: 'secret', detail: JSON.stringify({ alarm_actions: [HOOK] }).replace('":', '": ') }),
  });
  const trusts = createTrustStore(db, sealer);
  const trust = trusts.seal({ id: 't', alarmId: 'secret', projectId: 'p', trustorId: 'u', trustId: 'id of the trust' });
  await trusts.addDiscarded(trust, NOON);
  const receiver = { id: 'r', projectId: 'p', origin: 'https://hooks.example', name: 'n', description: 'd' };
  const headers = { Authorization: 'Bearer token of the gateway' };
  await createReceiverStore(db, sealer).create({ ...receiver, headers, createdAt: NOON });
  const added = { id: 'ss', secret: 'whsec_c2VjcmV0', at: NOON };
  await createSigningSecretStore(db, sealer).rotate({ all: true }, 'r', added, { overlapMs: 1, most: 2 });
  await storeNotifications(
    db,
    STATUSES.map((status, at) => ({
      id: `n-${status}`,
      alarmId: 'kind-threshold',
      sequence: at,
      status,
      claimUntil: status === 'in_flight' ? NOON : null,
      finishedAt: ['pending', 'in_flight'].includes(status) ? null : NOON,
    })),
  );
  for (const statement of [...ROWS, ...LEFT_BEHIND]) await db.query(statement);
}
