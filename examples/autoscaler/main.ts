/**
 * A small autoscaling group as a client of Tocsin. It creates alarms, sends samples, receives webhooks, and ends when
 * it has grown and shrunk once. Uses the service at TOCSIN_URL (default http://127.0.0.1:8042), or starts a private
 * one.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { bodyOf, createTocsinClient, type TocsinClient } from '../../src/client/tocsin-client.js';
import { Group } from './group.js';
import { isRunning, startService } from './own-service.js';
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
  const watchCpu = async (is: 'high' | 'low', threshold: number, action: string): Promise<string> => {
    const created = tocsin.POST('/v2/alarms', {
      body: {
        name: `${group.name} cpu ${is}`,
        type: 'threshold',
        threshold_rule: {
          meter_name: 'cpu_util',
          statistic: 'avg',
          period: PERIOD_S,
          evaluation_periods: 1,
          query: [{ field: 'metadata.group', op: 'eq', value: group.name }],
          comparison_operator: is === 'high' ? 'gt' : 'lt',
          threshold,
        },
        alarm_actions: [`${hooks}/${action}`],
        repeat_actions: true,
      },
    });
    return (await bodyOf(created)).alarm_id;
  };
  const high = await watchCpu('high', HIGH, 'scale-up');
  const low = await watchCpu('low', LOW, 'scale-down');
  const unsettled = tocsin.POST('/v2/alarms', {
    body: {
      name: `${group.name} unsettled`,
      type: 'combination',
      combination_rule: { operator: 'or', alarm_ids: [high, low] },
      alarm_actions: [`${hooks}/told`],
      ok_actions: [`${hooks}/told`],
    },
  });
  return [(await bodyOf(unsettled)).alarm_id, high, low];
}

function onWebhook(scene: Scene, { path, body }: Webhook): void {
  const { alarm_name, previous, current, reason } = body;
  say(
    scene,
    `webhook ${path}: "${alarm_name}" ` +
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
    counter_type: 'gauge' as const,
    counter_unit: '%',
    counter_volume: group.cpu(load),
    resource_id: instance,
    resource_metadata: { group: group.name },
  }));
  await bodyOf(tocsin.POST('/v2/meters/{meter}', { params: { path: { meter: 'cpu_util' } }, body: samples }));
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
  const tocsin = createTocsinClient({ baseUrl: url });
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
    for (const id of alarms) await bodyOf(tocsin.DELETE('/v2/alarms/{id}', { params: { path: { id } } }));
    await hooks.close();
    await own?.stop();
  }
}

process.exitCode = await main();
