import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { AuditEntry } from '../../src/storage/audit/audit-entry.js';
import { createAuditStore } from '../../src/storage/audit/audit-store.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
});
beforeEach(async () => {
  await empty(db);
  api = await startApi(db);
});
afterEach(() => api.close());
afterAll(() => db.close());

/** The entries of an action, as an admin of one project or of all reads them. */
async function trail(action: string, projectId?: string): Promise<AuditEntry[]> {
  await api.ask('GET', '/v1/audit', { as: ADMIN }); // entries that wait are stored
  return createAuditStore(db).list(projectId === undefined ? { all: true } : { projectId }, { action, limit: 100 });
}

const event = (message_id: string, project: string): object => ({
  message_id,
  event_type: 'compute.instance',
  traits: [['project_id', 1, project]],
  generated: '2026-01-01T12:00:00',
});
const sample = (project_id?: string): object => ({
  counter_type: 'gauge',
  counter_unit: '%',
  counter_volume: 1,
  resource_id: 'r1',
  ...(project_id && { project_id }),
});

async function importAlarms(...alarms: readonly (readonly [id: string, project: string])[]): Promise<void> {
  const body = alarms.map(([alarm_id, project_id]) => ({ ...thresholdBody(), alarm_id, project_id, user_id: 'u' }));
  const answer = await api.ask('POST', '/v1/imports', { as: ADMIN, body });
  const outcomes = answer.json<{ outcome: string }[]>().map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => !['created', 'updated'].includes(outcome))).toEqual([]);
}

async function move(id: string): Promise<void> {
  const body = { ...thresholdBody(), project_id: 'p2' };
  expect((await api.ask('PUT', `/v2/alarms/${id}`, { as: ADMIN, body })).status).toBe(200);
}

describe('a write that changes several projects leaves an entry in each', () => {
  test.each<{ what: string; action: string; write: () => Promise<unknown>; projects: string[] }>([
    {
      what: 'PUT /v2/alarms/{id} that moves the alarm to another project',
      action: 'alarm.update',
      write: async () => move(await api.create(thresholdBody(), MEMBER)),
      projects: ['p1', 'p2'],
    },
    {
      what: 'POST /v1/imports of alarms of two projects',
      action: 'import.create',
      write: () => importAlarms(['a', 'p1'], ['b', 'p2']),
      projects: ['p1', 'p2'],
    },
    {
      what: 'POST /v1/imports of an alarm that has another project now',
      action: 'import.create',
      async write() {
        await importAlarms(['a', 'p1']);
        await db.query('delete from audit_entries');
        await importAlarms(['a', 'p2']);
      },
      projects: ['p1', 'p2'],
    },
    {
      what: 'POST /v1/imports of alarms of more than ten projects',
      action: 'import.create',
      write: () => importAlarms(...Array.from({ length: 11 }, (_, n) => [`a${n}`, `p${n}`] as const)),
      projects: ['*'],
    },
    {
      what: 'POST /v1/imports/activate of alarms of two projects',
      action: 'import.activate',
      async write() {
        await importAlarms(['a', 'p1'], ['b', 'p2']);
        await api.ask('POST', '/v1/imports/activate', { as: ADMIN, body: {} });
      },
      projects: ['p1', 'p2'],
    },
    {
      what: 'POST /v1/imports/activate without a muted alarm',
      action: 'import.activate',
      write: () => api.ask('POST', '/v1/imports/activate', { as: ADMIN, body: {} }),
      projects: ['*'],
    },
    {
      what: "POST /v2/events of an admin with other projects' events",
      action: 'event.create',
      write: () => api.ask('POST', '/v2/events', { as: ADMIN, body: [event('1', 'p1'), event('2', 'p2')] }),
      projects: ['p1', 'p2'],
    },
    {
      what: "POST /v2/meters/{meter} of an admin with another project's sample",
      action: 'sample.create',
      write: () => api.ask('POST', '/v2/meters/cpu', { as: ADMIN, body: [sample(), sample('p1')] }),
      projects: ['ops', 'p1'],
    },
  ])('$what', async ({ action, write, projects }) => {
    await write();
    expect((await trail(action)).map(({ projectId }) => projectId).sort()).toEqual(projects);
  });

  test('PUT /v2/alarms/{id} is read by the project that lost the alarm', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    await move(id);
    const [lost, got] = [await trail('alarm.update', 'p1'), await trail('alarm.update', 'p2')];
    const entry = {
      objectId: id,
      changed: expect.arrayContaining(['project_id']),
      userId: 'root',
      actorProjectId: 'ops',
      outcome: 'done',
    };
    expect([lost, got]).toMatchObject([[entry], [entry]]);
    expect(lost[0]?.requestId).toBe(got[0]?.requestId);
  });
});
