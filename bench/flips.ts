import { setTimeout as pause } from 'node:timers/promises';

import { EMPTY } from './delivery.js';
import { percentile, plain, type Figure } from './figure.js';
import { fastReceiver, type Rig } from './rig.js';

const ALARMS = 10_000;
const PROJECTS = 8;
const CREATES_AT_ONCE = 16;
const DEADLINE_MS = 120_000;

/** All alarms go to `alarm` in one interval, each with a webhook: evaluator and notifier processes with defaults. */
export async function benchFlips(rig: Rig): Promise<Figure[]> {
  const arrived = new Map<string, number>();
  const receiver = await fastReceiver((id, atMs) => arrived.set(id.replace(/^msg_/, ''), arrived.get(id) ?? atMs));
  await rig.db.query(EMPTY);
  const services = [
    await rig.service('api'),
    await rig.service('evaluator', { EVALUATOR_INTERVAL: '5s' }),
    await rig.service('notifier'),
  ];
  const api = services[0]!.url;
  try {
    await sample(api, 10);
    await createAlarms(api, receiver.url);
    await until(async () => (await count(rig, "select count(*) as n from alarms where state = 'ok'")) === ALARMS);
    await sample(api, 95);
    await until(() => Promise.resolve(arrived.size === ALARMS));
    return await figuresOf(rig, arrived);
  } finally {
    for (const { process } of services) await process.stop();
    await receiver.close();
  }
}

async function figuresOf({ db }: Rig, arrived: ReadonlyMap<string, number>): Promise<Figure[]> {
  const { rows } = await db.query<{ id: string; created_at: Date }>('select id, created_at from notifications');
  const latenciesMs = rows.map(({ id, created_at }) => (arrived.get(id) ?? Infinity) - created_at.getTime());
  const firstMs = Math.min(...rows.map(({ created_at }) => created_at.getTime()));
  const lastMs = Math.max(...rows.map(({ id }) => arrived.get(id) ?? Infinity));
  return [
    plain('10,000 flips in one interval: first transition to last webhook', (lastMs - firstMs) / 1000, 's'),
    plain('… transition to its webhook, median', percentile(latenciesMs, 0.5), 'ms'),
    plain('… p99', percentile(latenciesMs, 0.99), 'ms'),
  ];
}

async function createAlarms(api: string, action: string): Promise<void> {
  const waiting = Array.from({ length: ALARMS }, (_, n) => n);
  const create = async (): Promise<void> => {
    for (let n = waiting.pop(); n !== undefined; n = waiting.pop()) {
      await post(`${api}/v2/alarms`, n % PROJECTS, {
        name: `flip ${n}`,
        type: 'threshold',
        threshold_rule: { meter_name: 'flip', comparison_operator: 'gt', threshold: 50, period: 600 },
        alarm_actions: [`${action}/${n}`],
      });
    }
  };
  await Promise.all(Array.from({ length: CREATES_AT_ONCE }, create));
}

/** One sample for each project; the statistic of the alarms is the average, so a later one must outweigh. */
async function sample(api: string, volume: number): Promise<void> {
  const one = { counter_name: 'flip', counter_type: 'gauge', counter_unit: '%', resource_id: 'r' };
  const volumes = volume > 50 ? [volume, volume, volume] : [volume];
  for (let project = 0; project < PROJECTS; project += 1) {
    await post(
      `${api}/v2/meters/flip`,
      project,
      volumes.map((counter_volume) => ({ ...one, counter_volume })),
    );
  }
}

async function post(url: string, project: number, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-project-id': `project${project}`,
      'x-user-id': 'u',
      'x-roles': 'member',
    },
    body: JSON.stringify(body),
  });
  if (response.status !== 201) throw new Error(`${url}: ${response.status} ${await response.text()}`);
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; await pause(50)) if (await isTrue()) return;
  throw new Error(`not within ${DEADLINE_MS / 1000} s`);
}

async function count({ db }: Rig, text: string): Promise<number> {
  return (await db.query<{ n: number }>(text)).rows[0]?.n ?? 0;
}
