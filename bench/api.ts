import { Agent, request } from 'node:http';

import { atLeast, atMost, percentile, plain, type Figure } from './figure.js';
import type { Rig } from './rig.js';

const CONNECTIONS = 16;
const CREATES = 4_000;
const STORED = 100_000;
const PAGES = 300;

/** Creation and lists of alarms: one API process on PostgreSQL, 16 connections. */
export async function benchApi(rig: Rig): Promise<Figure[]> {
  const api = await rig.service('api');
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  try {
    await createMany(api.url, agent, 500);
    const perSecond = await createMany(api.url, agent, CREATES);
    await store(rig);
    const perSecondWhenFull = await createMany(api.url, agent, CREATES);
    const pages = await page(api.url, agent);
    const pagesPerSecond = await pageMany(api.url, agent);
    return [
      atLeast('API: creates', perSecond, 'per second', 1_000),
      plain(`API: creates with ${STORED.toLocaleString('en')} alarms stored`, perSecondWhenFull, 'per second'),
      plain(`API: pages of 100 out of ${STORED.toLocaleString('en')}`, pagesPerSecond, 'per second'),
      plain('API: page of 100, median', percentile(pages, 0.5), 'ms'),
      atMost('API: page of 100, p99', percentile(pages, 0.99), 'ms', 20),
    ];
  } finally {
    agent.destroy();
    await api.process.stop();
  }
}

async function createMany(url: string, agent: Agent, total: number): Promise<number> {
  const startedMs = performance.now();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let n = next++; n < total; n = next++) {
      const body = {
        name: `alarm ${n}`,
        type: 'threshold',
        alarm_actions: ['http://127.0.0.1:9/hook'],
        threshold_rule: { meter_name: `meter${n % 1_000}`, comparison_operator: 'gt', threshold: 80 },
      };
      const { status } = await call(agent, 'POST', `${url}/v2/alarms`, JSON.stringify(body));
      if (status !== 201) throw new Error(`creating an alarm answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  return total / ((performance.now() - startedMs) / 1000);
}

async function page(url: string, agent: Agent): Promise<number[]> {
  const durations = [];
  for (let n = 0; n < PAGES; n += 1) {
    const startedMs = performance.now();
    const { status, length } = await call(agent, 'GET', `${url}/v2/alarms?limit=100`);
    if (status !== 200 || length < 100) throw new Error(`listing alarms answered ${status}`);
    durations.push(performance.now() - startedMs);
  }
  return durations;
}

/** Lists pages over all connections at once. */
async function pageMany(url: string, agent: Agent): Promise<number> {
  const startedMs = performance.now();
  let left = PAGES * 4;
  const work = async (): Promise<void> => {
    for (; left > 0; left -= 1) await call(agent, 'GET', `${url}/v2/alarms?limit=100`);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  return (PAGES * 4) / ((performance.now() - startedMs) / 1000);
}

/** Fills the table with copies of a stored alarm. */
async function store({ db }: Rig): Promise<void> {
  await db.query(
    `insert into alarms (id, project_id, user_id, type, name, description, enabled, rule, ok_actions, alarm_actions,
      insufficient_data_actions,
                         repeat_actions, severity, time_constraints, timestamp, created_at, state, state_reason,
                           state_timestamp, query_key, partition)
     select gen_random_uuid()::text, a.project_id, a.user_id, a.type, a.name, a.description, a.enabled, a.rule,
       a.ok_actions, a.alarm_actions,
            a.insufficient_data_actions, a.repeat_actions, a.severity, a.time_constraints,
              a.timestamp - n * interval '1 second', a.created_at,
            a.state, a.state_reason, a.state_timestamp, a.query_key, a.partition
       from (select * from alarms limit 1) a, generate_series(1, ${STORED}) n`,
  );
  await db.query('analyze alarms');
}

function call(agent: Agent, method: string, url: string, body?: string): Promise<{ status: number; length: number }> {
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(url, { agent, method, headers }, (response) => {
      let length = 0;
      response.on('data', (chunk: Buffer) => (length += chunk.length));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, length }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
