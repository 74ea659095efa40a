import { createServer, type Server } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

import { EMPTY } from './delivery.js';
import { atMost, percentile, plain, type Figure } from './figure.js';
import type { Rig } from './rig.js';

const HOSTS = 1_000;
const HANGING_HOSTS = 200;
const PROJECTS = 8;
const NOTIFICATIONS = 20_000;
/** Receivers of one project that never answer. */
const SILENT_HOSTS = 1_500;
/** Transitions of another project beside them, one after the other. */
const BESIDE = 100;
const DEADLINE_MS = 90_000;

/** What the store knows of hosts when the notifier starts. */
type Known = 'all have answered' | 'the hanging ones did not answer lately';

/** Receivers on loopback addresses of their own: each is a host. */
interface Hosts {
  port: number;
  close(): Promise<void>;
}

/** Deliveries of one notifier process to many hosts, and to one host beside many that never answer. */
export async function benchManyHosts(rig: Rig): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { hanging, known, name } of [
    { hanging: 0, known: 'all have answered', name: `deliveries of one notifier to 1,000 hosts` },
    { hanging: HANGING_HOSTS, known: 'the hanging ones did not answer lately', name: '… of which 20 % hang' },
    { hanging: HANGING_HOSTS, known: 'all have answered', name: '… of which 20 % begin to hang' },
  ] as const) {
    figures.push(plain(name, await deliveriesPerSecond(rig, hanging, known), 'per second'));
  }
  const besideMs = await latencyBesideSilentHosts(rig);
  return [
    ...figures,
    plain('a webhook beside 1,500 silent hosts of another project, median', percentile(besideMs, 0.5), 'ms'),
    atMost('… p99', percentile(besideMs, 0.99), 'ms', 1_000),
  ];
}

/** Rate at which all notifications to hosts that answer arrive. */
async function deliveriesPerSecond(rig: Rig, hanging: number, known: Known): Promise<number> {
  let received = 0;
  const hosts = await openHosts(HOSTS, (index) => {
    if (index < hanging) return 'hangs';
    received += 1;
    return 'answers';
  });
  await rig.db.query(EMPTY);
  await rig.db.query(
    `insert into receiver_hosts (host, answered, outcome_at, claimed_at)
     select '127.1.' || n / 200 || '.' || n % 200 + 1 || ':' || $1, $2 or n >= $3, now(), now()
       from generate_series(0, $4::int - 1) n`,
    [hosts.port, known === 'all have answered', hanging, HOSTS],
  );
  await fillOutbox(rig, hosts.port, { hosts: HOSTS, projects: PROJECTS, notifications: NOTIFICATIONS });
  const expected = NOTIFICATIONS * (1 - hanging / HOSTS);
  const notifier = await rig.service('notifier');
  try {
    for (const deadline = Date.now() + DEADLINE_MS; received < expected / 10 && Date.now() < deadline;) await pause(10);
    const [countBefore, startedMs] = [received, performance.now()];
    for (const deadline = Date.now() + DEADLINE_MS; received < expected && Date.now() < deadline;) await pause(10);
    return (received - countBefore) / ((performance.now() - startedMs) / 1000);
  } finally {
    await notifier.process.stop();
    await hosts.close();
  }
}

/** Times from an event to the webhook of its alarm, beside receivers of another project that never answer. */
async function latencyBesideSilentHosts(rig: Rig): Promise<number[]> {
  let arrived: ((atMs: number) => void) | undefined;
  const silent = await openHosts(SILENT_HOSTS, () => 'hangs');
  const fast = await openHosts(1, () => {
    arrived?.(Date.now());
    return 'answers';
  });
  await rig.db.query(EMPTY);
  const services = [await rig.service('api'), await rig.service('evaluator'), await rig.service('notifier')];
  const api = services[0]!.url;
  const latencies: number[] = [];
  try {
    for (let n = 0; n < BESIDE; n += 1) await createEventAlarm(api, `http://127.1.0.1:${fast.port}/hook`, n);
    await fillOutbox(rig, silent.port, { hosts: SILENT_HOSTS, projects: 1, notifications: SILENT_HOSTS * 4 });
    for (let n = 0; n < BESIDE; n += 1) {
      const arrival = new Promise<number>((resolve) => (arrived = resolve));
      const startedMs = Date.now();
      await post(`${api}/v2/events`, [eventOf(n)]);
      const atMs = await Promise.race([arrival, pause(DEADLINE_MS, Infinity, { ref: false })]);
      latencies.push(atMs - startedMs);
      if (atMs === Infinity) break;
    }
    return latencies;
  } finally {
    for (const { process } of services) await process.stop();
    await silent.close();
    await fast.close();
  }
}

function createEventAlarm(api: string, action: string, n: number): Promise<void> {
  const rule = { type: 'event', event_rule: { event_type: `beside.${n}` } };
  return post(`${api}/v2/alarms`, { name: `beside ${n}`, alarm_actions: [action], ...rule });
}

function eventOf(n: number): object {
  const generated = new Date().toISOString().slice(0, -1);
  return { message_id: `beside ${n}`, event_type: `beside.${n}`, generated, traits: [['project_id', 1, 'beside']] };
}

async function post(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-project-id': 'beside', 'x-user-id': 'u', 'x-roles': 'member' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
}

/** Notifications that are due, of `projects` projects in turn, to `hosts` hosts in turn. */
async function fillOutbox(
  { db }: Rig,
  port: number,
  { hosts, projects, notifications }: { hosts: number; projects: number; notifications: number },
): Promise<void> {
  await db.query(
    `with filled as (
       insert into notifications (id, alarm_id, project_id, kind, sequence, transition_time, action_list, action_index,
         action, lane, host, body_id, next_attempt_at, created_at)
       select gen_random_uuid()::text, 'alarm' || n, 'project' || n % $2::int, 'transition', 1, now(), 'alarm_actions',
         0, 'http://' || at.host || '/hook', 'lane' || n, at.host, gen_random_uuid(), now(), now()
         from generate_series(1, $4::int) n,
              lateral (select n % $3::int as i) chosen,
              lateral (select '127.1.' || i / 200 || '.' || i % 200 + 1 || ':' || $1 as host) at
       returning body_id, alarm_id
     )
     insert into notification_bodies (id, body)
     select body_id, '{"alarm_name": "bench", "alarm_id": "' || alarm_id || '", "current": "alarm"}' from filled`,
    [port, projects, hosts, notifications],
  );
  await db.query('analyze notifications, notification_bodies, receiver_hosts');
}

/** Servers on 127.1.0.1, 127.1.0.2 … (200 to a network), all with one port. `answer` is asked for each request. */
async function openHosts(count: number, answer: (index: number) => 'answers' | 'hangs'): Promise<Hosts> {
  const servers: Server[] = [];
  let port = 0;
  for (let index = 0; index < count; index += 1) {
    const server = createServer((request, response) => {
      request.resume();
      if (answer(index) === 'answers') request.on('end', () => response.writeHead(204).end());
    });
    const address = `127.1.${Math.floor(index / 200)}.${(index % 200) + 1}`;
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve));
    port = (server.address() as { port: number }).port;
    servers.push(server);
  }
  return {
    port,
    async close() {
      for (const server of servers) server.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}
