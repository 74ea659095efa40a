import { setTimeout as pause } from 'node:timers/promises';

import { atLeast, atMost, percentile, plain, type Figure } from './figure.js';
import { fastReceiver, type Rig } from './rig.js';

const FLIPS = 220;
/** Discarded deliveries at the start, which load code and open connections. */
const WARM_UP = 20;
const NOTIFICATIONS = 20_000;
const PROJECTS = 8;
/** Empties what the parts of the benchmark fill. */
export const EMPTY = `truncate alarms, alarm_members, alarm_history, notifications, notification_bodies, attempts,
  samples, receiver_hosts, delivery_holds`;

/** Time from a transition to its receiver on an idle system: evaluator and notifier processes, PostgreSQL and Redis. */
export async function benchLatency(rig: Rig): Promise<Figure[]> {
  const arrived = new Map<string, number>();
  const receiver = await fastReceiver((id, atMs) => arrived.set(id.replace(/^msg_/, ''), arrived.get(id) ?? atMs));
  const services = [
    await rig.service('api'),
    await rig.service('evaluator', { EVALUATOR_INTERVAL: '1s', EVALUATOR_HEARTBEAT: '500ms' }),
    await rig.service('notifier'),
  ];
  try {
    await rig.db.query(EMPTY);
    const url = services[0]!.url;
    for (let n = 0; n < FLIPS; n += 1) {
      await post(`${url}/v2/meters/flip${n}`, [sampleOf(`flip${n}`)]);
      await post(`${url}/v2/alarms`, {
        name: `flip ${n}`,
        type: 'threshold',
        threshold_rule: { meter_name: `flip${n}`, comparison_operator: 'gt', threshold: 50, period: 60 },
        alarm_actions: [`${receiver.url}/${n}`],
      });
      await pause(50);
    }
    for (const deadline = Date.now() + 30_000; arrived.size < FLIPS && Date.now() < deadline;) await pause(100);
    const { rows } = await rig.db.query<{ id: string; created_at: Date }>(
      "select id, created_at from notifications where kind = 'transition' order by ordinal",
    );
    const latencies = rows
      .slice(WARM_UP)
      .map(({ id, created_at }) => (arrived.get(id) ?? Infinity) - created_at.getTime());
    return [
      plain('evaluation to first byte at the receiver, median', percentile(latencies, 0.5), 'ms'),
      atMost(
        'evaluation to first byte at the receiver, p99 (query and commit included)',
        percentile(latencies, 0.99),
        'ms',
        250,
      ),
    ];
  } finally {
    for (const { process } of services) await process.stop();
    await receiver.close();
  }
}

/** Deliveries of one notifier process to a fast receiver, from a full outbox. */
export async function benchDeliveries(rig: Rig): Promise<Figure[]> {
  let received = 0;
  const receiver = await fastReceiver(() => (received += 1));
  await rig.db.query(EMPTY);
  await fillOutbox(rig, receiver.url);
  const notifier = await rig.service('notifier');
  try {
    for (const deadline = Date.now() + 30_000; received < NOTIFICATIONS / 10 && Date.now() < deadline;) await pause(10);
    const [countBefore, startedMs] = [received, performance.now()];
    for (const deadline = Date.now() + 60_000; received < NOTIFICATIONS && Date.now() < deadline;) await pause(10);
    const perSecond = (received - countBefore) / ((performance.now() - startedMs) / 1000);
    return [
      atLeast(`deliveries of one notifier (${PROJECTS} projects, default permits)`, perSecond, 'per second', 1_000),
    ];
  } finally {
    await notifier.process.stop();
    await receiver.close();
  }
}

async function fillOutbox({ db }: Rig, url: string): Promise<void> {
  const host = new URL(url).host;
  await db.query(
    `with filled as (
       insert into notifications (id, alarm_id, project_id, kind, sequence, transition_time, action_list, action_index,
         action, lane, host, body_id, next_attempt_at, created_at)
       select gen_random_uuid()::text, 'alarm' || n, 'project' || n % ${PROJECTS}, 'transition', 1, now(),
         'alarm_actions', 0, $1, 'lane' || n, $2, gen_random_uuid(), now(), now()
         from generate_series(1, ${NOTIFICATIONS}) n
       returning body_id, alarm_id
     )
     insert into notification_bodies (id, body)
     select body_id, '{"alarm_name": "bench", "alarm_id": "' || alarm_id || '", "severity": "low", "previous": "ok", '
         || '"current": "alarm", "reason": "bench", "reason_data": {}}'
       from filled`,
    [`${url}/hook`, host],
  );
  await db.query('analyze notifications, notification_bodies');
}

function sampleOf(meter: string): object {
  return { counter_name: meter, counter_type: 'gauge', counter_unit: '%', counter_volume: 95, resource_id: 'r' };
}

async function post(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (response.status !== 201) throw new Error(`${url}: ${response.status} ${await response.text()}`);
}
