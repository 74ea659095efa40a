import { Agent } from 'node:http';

import { atMost, percentile, plain, type Figure } from '../figure.js';
import type { Rig } from '../rig.js';
import { call, durations } from './http-call.js';

/** Alarms that `fillProject` stores. */
export const STORED = 100_000;
const NOTIFIED = 20_000;
const REQUESTS = 100;
const BUDGET_MS = 250;
/** The project of these alarms. */
export const PROJECT = 'bench';
const MEMBER = { 'x-project-id': PROJECT, 'x-user-id': 'bench', 'x-roles': 'member' };

/** The requests of the page for its list of alarms, by the names of the figures. */
const LISTS = {
  'by name': 'alarms?limit=50',
  'in alarm': 'alarms?limit=50&state=alarm',
  'newest changes first': 'alarms?limit=50&sort=state_since:desc&sort=name',
  'by severity': 'alarms?limit=50&sort=severity:desc&sort=name',
  'search for a part of a name': 'alarms?limit=50&search=web-0421',
  'a search that finds nothing': 'alarms?limit=50&search=nosuchname',
  'counts by state': 'alarms/counts',
} as const;

/** The requests of the page's list, with 100,000 alarms stored in one project: one API process on PostgreSQL. */
export async function benchLists(rig: Rig): Promise<Figure[]> {
  const api = await rig.service('api');
  const agent = new Agent({ keepAlive: true });
  const ask = (path: string, body?: unknown): Promise<string> =>
    call(agent, `${api.url}/v1/${path}`, { headers: MEMBER, ...(body === undefined ? {} : { method: 'POST', body }) });
  try {
    await fillProject(rig, api.url, agent);
    const figures: Figure[] = [];
    const add = (name: string, found: readonly number[]): void => {
      const title = `list of ${STORED.toLocaleString('en')}, ${name}`;
      figures.push(
        plain(`${title}: median`, percentile(found, 0.5), 'ms'),
        atMost(`${title}: p99`, percentile(found, 0.99), 'ms', BUDGET_MS),
      );
    };
    for (const [name, path] of Object.entries(LISTS)) add(name, await durations(REQUESTS, () => ask(path)));
    const rows = JSON.parse(await ask(LISTS['by name'])) as { alarms: { alarm_id: string }[] };
    const ids = rows.alarms.map(({ alarm_id: id }) => id);
    add('latest values of 50', await durations(REQUESTS, () => ask('alarms/latest-values', { ids })));
    const [deep, pages] = await farPage(ask);
    add(`page ${pages}`, await durations(REQUESTS, () => ask(deep)));
    return figures;
  } finally {
    agent.destroy();
    await api.process.stop();
  }
}

/** The path of a page far behind the first one, and its number. */
async function farPage(ask: (path: string) => Promise<string>): Promise<[path: string, number: number]> {
  let path = 'alarms?limit=100';
  let number = 1;
  for (; number < 100; number += 1) {
    const { next } = JSON.parse(await ask(path)) as { next: string };
    path = `alarms?limit=100&cursor=${encodeURIComponent(next)}`;
  }
  return [path.replace('limit=100', 'limit=50'), number];
}

/** Stores copies of one alarm in `PROJECT`, with other names, states and severities, and last notifications of some. */
export async function fillProject({ db }: Rig, url: string, agent: Agent): Promise<void> {
  await db.query('truncate alarms, alarm_history, notifications, notification_bodies cascade');
  const threshold_rule = { meter_name: 'cpu_util', comparison_operator: 'gt', threshold: 80 };
  const body = { name: 'web', type: 'threshold', threshold_rule, alarm_actions: ['http://127.0.0.1:9/hook'] };
  await call(agent, `${url}/v2/alarms`, { method: 'POST', headers: MEMBER, body });
  const columns = `project_id, user_id, type, description, enabled, rule, ok_actions, alarm_actions,
    insufficient_data_actions, repeat_actions, time_constraints, timestamp, created_at, state_reason, query_key,
    partition`;
  await db.query(
    `insert into alarms (id, name, severity, state, state_timestamp, ${columns})
     select gen_random_uuid()::text, 'web-' || lpad(n::text, 6, '0') || ' cpu high',
       (array['low', 'moderate', 'critical'])[n % 3 + 1],
       case when n % 50 = 0 then 'alarm' when n % 20 = 0 then 'insufficient data' else 'ok' end,
       now() - n * interval '7 seconds', ${columns}
       from (select * from alarms limit 1) a, generate_series(1, ${STORED}) n`,
  );
  await db.query(
    `insert into notifications (id, alarm_id, project_id, kind, sequence, transition_time, action_list, action_index,
       action, lane, host, status, next_attempt_at, created_at, finished_at)
     select gen_random_uuid()::text, id, project_id, 'transition', 1, state_timestamp, 'alarm_actions', 0,
       'http://127.0.0.1:9/hook', id, '127.0.0.1:9', 'delivered', now(), state_timestamp, state_timestamp
       from alarms limit ${NOTIFIED}`,
  );
  await db.query('analyze');
}
