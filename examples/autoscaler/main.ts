/**
 * A small autoscaling group as a client of Tocsin. It creates alarms, sends samples, receives webhooks, and ends when
 * it has grown and shrunk once. Uses the service at TOCSIN_URL (default http://127.0.0.1:8042), or starts a private
 * one.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { Group } from './group.js';
import { startService } from './own-service.js';
import { createTocsinClient, isRunning, type TocsinClient } from './tocsin-client.js';
import { listenForWebhooks, type Webhook } from './webhooks.js';

const OWN_INTERVAL = '2s';
const PERIOD_S = 2;
const SAMPLE_EVERY_MS = 500;
const HIGH = 70;
const LOW = 25;
/** Load in percent of what one instance can do. */
const BUSY = 160;
const IDLE = 20;
const GIVE_UP_AFTER_MS = 10 * 60_000;

interface Scene {
  group: Group;
  load: number;
  hasPeaked: boolean;
  startedAt: number;
}

function say(scene: Scene, text: string): void {
  const seconds = ((Date.now() - scene.startedAt) / 1000).toFixed(1).padStart(6);
  console.log(`${seconds}s  ${text}`);
}

async function registerAlarms(tocsin: TocsinClient, group: Group, hooks: string): Promise<string[]> {
  const rule = {
    meter_name: 'cpu_util',
    statistic: 'avg',
    period: PERIOD_S,
    evaluation_periods: 1,
    query: [{ field: 'metadata.group', op: 'eq', value: group.name }],
  };
  const high = await tocsin.createAlarm({
    name: `${group.name} cpu high`,
    type: 'threshold',
    threshold_rule: { ...rule, comparison_operator: 'gt', threshold: HIGH },
    alarm_actions: [`${hooks}/scale-up`],
    repeat_actions: true,
  });
  const low = await tocsin.createAlarm({
    name: `${group.name} cpu low`,
    type: 'threshold',
    threshold_rule: { ...rule, comparison_operator: 'lt', threshold: LOW },
    alarm_actions: [`${hooks}/scale-down`],
    repeat_actions: true,
  });
  const unsettled = await tocsin.createAlarm({
    name: `${group.name} unsettled`,
    type: 'combination',
    combination_rule: { operator: 'or', alarm_ids: [high, low] },
    alarm_actions: [`${hooks}/told`],
    ok_actions: [`${hooks}/told`],
  });
  return [unsettled, high, low];
}

function onWebhook(scene: Scene, { path, alarmName, previous, current, reason }: Webhook): void {
  say(
    scene,
    `webhook ${path}: "${alarmName}" ` +
      `${previous === current ? `still ${current}` : `${previous} → ${current}`} (${reason})`,
  );
  const by = path === '/scale-up' ? 1 : path === '/scale-down' ? -1 : undefined;
  if (by === undefined) return;
  const isChanged = scene.group.scale(by);
  const { size } = scene.group;
  if (isChanged)
    say(scene, `the group has ${size} instance${size === 1 ? '' : 's'} now, cpu ${scene.group.cpu(scene.load)} %`);
}

async function pushMeasurements(tocsin: TocsinClient, { group, load }: Scene): Promise<void> {
  const samples = group.instances().map((instance) => ({
    counter_name: 'cpu_util',
    counter_type: 'gauge',
    counter_unit: '%',
    counter_volume: group.cpu(load),
    resource_id: instance,
    resource_metadata: { group: group.name },
  }));
  await tocsin.pushSamples('cpu_util', samples);
}

/** True once the group has grown under load and shrunk back without it. */
async function play(tocsin: TocsinClient, scene: Scene): Promise<boolean> {
  while (Date.now() - scene.startedAt < GIVE_UP_AFTER_MS) {
    await pushMeasurements(tocsin, scene);
    const { group } = scene;
    if (!scene.hasPeaked && group.size > 1 && group.cpu(scene.load) < HIGH) {
      say(scene, `${group.size} instances carry the load; now the load goes away: ${IDLE} %`);
      scene.hasPeaked = true;
      scene.load = IDLE;
    }
    if (scene.hasPeaked && group.size === 1) return true;
    await sleep(SAMPLE_EVERY_MS);
  }
  return false;
}

async function main(): Promise<number> {
  const configured = process.env['TOCSIN_URL'] ?? 'http://127.0.0.1:8042';
  const own = (await isRunning(configured)) ? undefined : await startService(OWN_INTERVAL);
  const url = own?.url ?? configured;
  const scene: Scene = {
    group: new Group(`web-${randomBytes(2).toString('hex')}`, { min: 1, max: 5 }),
    load: BUSY,
    hasPeaked: false,
    startedAt: Date.now(),
  };
  const tocsin = createTocsinClient(url);
  const hooks = await listenForWebhooks((webhook) => onWebhook(scene, webhook));
  const alarms: string[] = [];
  try {
    say(scene, own ? `started a Tocsin on ${url} that evaluates every ${OWN_INTERVAL}` : `using the Tocsin on ${url}`);
    alarms.push(...(await registerAlarms(tocsin, scene.group, hooks.url)));
    say(
      scene,
      `registered 3 alarms: above ${HIGH} % scale up, below ${LOW} % scale down, and a combination of the two`,
    );
    say(scene, `the group has 1 instance, and ${BUSY} % of an instance's work to do`);
    const isDone = await play(tocsin, scene);
    say(scene, isDone ? 'done: scaled up and down again' : 'gave up: the group did not go up and down in time');
    return isDone ? 0 : 1;
  } finally {
    for (const id of alarms) await tocsin.deleteAlarm(id);
    await hooks.close();
    await own?.stop();
  }
}

process.exitCode = await main();
