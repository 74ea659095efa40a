import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

import { atMost, percentile, plain, type Figure } from '../figure.js';
import { cpuSecondsOf } from '../process-cpu.js';
import type { Rig } from '../rig.js';
import { call } from './http-call.js';
import { StreamClient } from './stream-client.js';

const CLIENTS = 1_000;
const PER_SECOND = 100;
const SECONDS = 30;
const TRANSITIONS = PER_SECOND * SECONDS;
const ALARMS = 200;
/** One client in this many reads the times of the transitions. */
const OBSERVED = 20;
/** Number of clients that are cut and connect again, each second. */
const CUTS = 10;

/**
 * 1,000 clients of the stream at 100 transitions a second: one API process has the clients, another makes the
 * transitions. The clients are on the same machine.
 */
export async function benchStream(rig: Rig): Promise<Figure[]> {
  await rig.db.query('truncate alarms, alarm_history, notifications, notification_bodies cascade');
  const settings = { API_MAX_STREAMS: String(CLIENTS * 2), API_MAX_PROJECT_STREAMS: String(CLIENTS * 2) };
  const [streams, writer] = [await rig.service('api', settings), await rig.service('api')];
  const agent = new Agent({ keepAlive: false });
  const delays: number[] = [];
  const clients = Array.from({ length: CLIENTS }, (_, n) => {
    const observe = (data: string): void => {
      delays.push(Date.now() - Date.parse((JSON.parse(data) as { time: string }).time));
    };
    return new StreamClient(streams.url, agent, n % OBSERVED === 0 ? observe : undefined);
  });
  try {
    const ids = await makeAlarms(writer.url);
    for (const client of clients) await client.open();
    const startedMs = performance.now();
    const cpuBefore = cpuSecondsOf(streams.process.pid);
    await Promise.all([makeTransitions(writer.url, ids), cutSome(clients, startedMs)]);
    const tookS = (performance.now() - startedMs) / 1000;
    await untilAll(clients);
    const cpu = cpuSecondsOf(streams.process.pid) - cpuBefore;
    const lost = clients.reduce((sum, { received }) => sum + Math.max(0, TRANSITIONS - received), 0);
    const repeated = clients.reduce(
      (sum, { received, outOfOrder }) => sum + Math.max(0, received - TRANSITIONS) + outOfOrder,
      0,
    );
    const title = `stream, ${CLIENTS.toLocaleString('en')} clients`;
    return [
      plain(`${title}: transitions`, TRANSITIONS / tookS, 'per second'),
      plain(`${title}: CPU of their API process`, (cpu / tookS) * 100, '% of a core'),
      plain(`${title}: CPU of an event at a client`, (cpu / (TRANSITIONS * CLIENTS)) * 1e6, 'µs'),
      plain(`${title}: transition to client, median`, percentile(delays, 0.5), 'ms'),
      atMost(`${title}: transition to client, p99`, percentile(delays, 0.99), 'ms', 1_000),
      atMost(`${title}: events lost over ${CUTS * SECONDS} cuts`, lost, 'events', 0),
      atMost(`${title}: events repeated or out of order`, repeated, 'events', 0),
    ];
  } finally {
    for (const client of clients) client.end();
    for (const { process } of [streams, writer]) await process.stop();
  }
}

async function makeAlarms(url: string): Promise<string[]> {
  const agent = new Agent({ keepAlive: true });
  const ids = [];
  for (let n = 0; n < ALARMS; n += 1) {
    const threshold_rule = { meter_name: `meter${n}`, comparison_operator: 'gt', threshold: 80 };
    const body = { name: `alarm ${n}`, type: 'threshold', threshold_rule };
    const answer = await call(agent, `${url}/v2/alarms`, { method: 'POST', body });
    ids.push((JSON.parse(answer) as { alarm_id: string }).alarm_id);
  }
  agent.destroy();
  return ids;
}

/** Sets states by hand at a constant rate: each alarm in turn, between `alarm` and `ok`. */
async function makeTransitions(url: string, ids: readonly string[]): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const startedMs = performance.now();
  const sent: Promise<string>[] = [];
  for (let n = 0; n < TRANSITIONS; n += 1) {
    const dueMs = startedMs + (n * 1000) / PER_SECOND - performance.now();
    if (dueMs > 0) await pause(dueMs);
    const state = Math.floor(n / ids.length) % 2 === 0 ? 'alarm' : 'ok';
    sent.push(call(agent, `${url}/v2/alarms/${ids[n % ids.length]}/state`, { method: 'PUT', body: state }));
  }
  await Promise.all(sent);
  agent.destroy();
}

async function cutSome(clients: readonly StreamClient[], startedMs: number): Promise<void> {
  for (let second = 0; second < SECONDS; second += 1) {
    const waitMs = startedMs + second * 1000 + 500 - performance.now();
    if (waitMs > 0) await pause(waitMs);
    const first = (second * CUTS) % clients.length;
    await Promise.all(clients.slice(first, first + CUTS).map((client) => client.reconnect()));
  }
}

/** Waits until each client has all transitions, or no client has got any for 10 seconds. */
async function untilAll(clients: readonly StreamClient[]): Promise<void> {
  const total = (): number => clients.reduce((sum, { received }) => sum + received, 0);
  let [known, sinceMs] = [total(), performance.now()];
  while (known < TRANSITIONS * CLIENTS && performance.now() - sinceMs < 10_000) {
    await pause(100);
    if (total() > known) [known, sinceMs] = [total(), performance.now()];
  }
}
