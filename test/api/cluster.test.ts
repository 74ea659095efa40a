import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { createProcessReport, REPORT_EVERY_MS } from '../../src/app/process-report.js';
import { silentLogger } from '../../src/logger.js';
import { createProcessStore, type EvaluatorReport } from '../../src/storage/cluster/process-store.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, type TestApi } from '../support/api.js';
import { NOON } from '../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { FakeClock } from '../support/fake-clock.js';
import { describeWithPostgres } from '../support/servers.js';
import { storeNotifications } from '../support/stored-notifications.js';

interface Cluster {
  coordination: string | null;
  processes: { process_id: string; [field: string]: unknown }[];
  partitions: { partition: number; owner: string | null; late_alarms: number }[];
  unowned_partitions: number;
  lateness: { late_alarms: number; longest_ms: number; oldest_evaluation_at: string | null };
  backends: unknown[];
  outbox: unknown;
}

const KEPT_MS = 60_000;
const idle = (memberId: string, fields: Partial<EvaluatorReport> = {}): EvaluatorReport => ({
  memberId,
  coordination: 'redis',
  backends: [],
  ...fields,
});

describe('the cluster in the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('the cluster in PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let api: TestApi;
  beforeAll(async () => {
    db = await open();
    api = await startApi(db);
  });
  beforeEach(() => empty(db));
  afterAll(async () => {
    await api.close();
    await db.close();
  });

  const report = (id: string, evaluator: EvaluatorReport | null = null, forgetAfterMs = KEPT_MS): Promise<void> =>
    createProcessStore(db).report(
      { id, roles: evaluator ? ['evaluator'] : ['api', 'notifier'], version: '1.2.3', host: 'm1', pid: 7, evaluator },
      forgetAfterMs,
    );
  const cluster = async (): Promise<Cluster> => {
    const answer = await api.ask('GET', '/v1/cluster', { as: ADMIN });
    expect(answer.status).toBe(200);
    return answer.json<Cluster>();
  };
  const idsIn = ({ processes }: Cluster): string[] => processes.map(({ process_id }) => process_id);

  test('GET /v1/cluster shows 256 partitions without an owner before an evaluator has started', async () => {
    const state = await cluster();
    expect(state.partitions).toHaveLength(256);
    expect(state).toMatchObject({
      coordination: null,
      processes: [],
      unowned_partitions: 256,
      lateness: { late_alarms: 0, longest_ms: 0, oldest_evaluation_at: null },
      backends: [],
      outbox: { open: 0, due: 0, stalled: 0, dead: 0, oldest_due_at: null },
    });
  });

  test('it shows each process with its roles, version and partitions, in the order of their start', async () => {
    await report('p1');
    await report('p2', idle('e1'));
    await report('p1');
    await db.query(
      `update partitions set owner = 'e1', epoch = 4, loaded_epoch = case when id < 150 then 4 else 3 end
        where id < 200`,
    );
    const state = await cluster();
    expect(state.processes).toEqual([
      {
        process_id: 'p1',
        roles: ['api', 'notifier'],
        version: '1.2.3',
        host: 'm1',
        pid: 7,
        started_at: expect.stringMatching(/Z$/),
        age_ms: expect.any(Number),
        silent_ms: expect.any(Number),
        member_id: null,
        coordination: null,
        partitions: 0,
        loaded_partitions: 0,
      },
      expect.objectContaining({
        process_id: 'p2',
        roles: ['evaluator'],
        member_id: 'e1',
        coordination: 'redis',
        partitions: 200,
        loaded_partitions: 150,
      }),
    ]);
    expect(state.partitions[199]).toMatchObject({ partition: 199, owner: 'e1', epoch: 4, loaded: false });
    expect(state.partitions[149]).toMatchObject({ loaded: true });
    expect(state.unowned_partitions).toBe(56);
  });

  test('a report deletes those of processes that were silent for too long, and no others', async () => {
    await report('silent');
    await report('alive');
    await db.query("update processes set heartbeat_at = clock_timestamp() - interval '61 seconds' where id = 'silent'");
    await report('new');
    expect(idsIn(await cluster())).toEqual(['alive', 'new']);
  });

  test.each([
    ['redis', ['redis', 'redis']],
    ['database', ['redis', 'database']],
    ['single', ['single']],
  ] as const)('the coordination is %s if evaluators report %j', async (expected, modes) => {
    for (const [n, coordination] of modes.entries()) await report(`p${n}`, idle(`e${n}`, { coordination }));
    expect((await cluster()).coordination).toBe(expected);
  });

  test('a backend is down as long as one evaluator finds it down, and since the earliest time', async () => {
    const at = (minute: number): string => new Date(NOON.getTime() + minute * 60_000).toISOString();
    const upSince = (minute: number) => ({ backend: 'prometheus', isUp: true, since: at(minute), reason: null });
    const downSince = (minute: number) => ({ backend: 'gnocchi', isUp: false, since: at(minute), reason: 'timeout' });
    await report('p1', idle('e1', { backends: [upSince(1), downSince(3)] }));
    await report('p2', idle('e2', { backends: [upSince(2), downSince(2)] }));
    await report('p3', idle('e3', { backends: [{ ...downSince(1), isUp: true, reason: null }] }));
    expect((await cluster()).backends).toEqual([
      {
        backend: 'gnocchi',
        up: false,
        since: '2026-01-01T12:02:00Z',
        reason: 'timeout',
        evaluators_up: 1,
        evaluators_down: 2,
      },
      {
        backend: 'prometheus',
        up: true,
        since: '2026-01-01T12:02:00Z',
        reason: null,
        evaluators_up: 2,
        evaluators_down: 0,
      },
    ]);
  });

  test('it shows late alarms, and the partition that waits longest for its evaluation', async () => {
    const { rows } = await db.query<{ now: Date }>('select clock_timestamp() as now');
    const dueMs = rows[0]!.now.getTime() - 3_600_000;
    const behind = JSON.stringify({ a1: { dueMs, lastMs: null }, a2: { dueMs: dueMs + 1_000, lastMs: null } });
    await db.query('update partitions set behind = $1::text::jsonb, last_evaluated_at = $2 where id = 3', [
      behind,
      NOON,
    ]);
    await db.query('update partitions set last_evaluated_at = $1 where id = 4', [new Date(NOON.getTime() + 1_000)]);
    const { lateness, partitions } = await cluster();
    expect(lateness).toMatchObject({ late_alarms: 2, oldest_evaluation_at: '2026-01-01T12:00:00Z' });
    expect(lateness.longest_ms).toBeGreaterThanOrEqual(3_600_000);
    expect(partitions[3]).toMatchObject({ late_alarms: 2 });
    await db.query('update partitions set behind = null');
  });

  test('it shows the backlog of the outbox', async () => {
    await storeNotifications(db, [
      { id: 'n1', alarmId: 'a1' },
      { id: 'n2', alarmId: 'a2', status: 'dead', finishedAt: NOON },
    ]);
    expect((await cluster()).outbox).toEqual({
      open: 1,
      due: 1,
      stalled: 1,
      dead: 1,
      oldest_due_at: '2026-01-01T12:00:00Z',
    });
  });

  test('members may not see it', async () => {
    expect((await api.ask('GET', '/v1/cluster', { as: MEMBER })).status).toBe(403);
  });

  test('a process reports at its start and every 10 seconds, and removes its report when it ends', async () => {
    const clock = new FakeClock();
    const evaluator = { current: null as EvaluatorReport | null };
    const store = createProcessStore(db);
    const reports: string[] = [];
    const loop = createProcessReport({
      store: {
        remove: (id) => store.remove(id),
        async report(given, forgetAfterMs) {
          await store.report(given, forgetAfterMs);
          reports.push(given.id);
        },
      },
      process: { id: 'p1', roles: ['evaluator'], version: '1.2.3', pid: 7 },
      evaluator: () => evaluator.current,
      isSingleProcess: true,
      clock,
      log: silentLogger,
    });
    await report('left over');
    const stop = new AbortController();
    const running = loop.run(stop.signal);
    await eventually(() => expect(reports).toHaveLength(1));
    expect((await cluster()).processes).toMatchObject([{ process_id: 'p1', member_id: null }]);
    evaluator.current = idle('e1', { coordination: 'single' });
    await clock.advance(REPORT_EVERY_MS);
    await eventually(() => expect(reports).toHaveLength(2));
    expect((await cluster()).processes).toMatchObject([{ process_id: 'p1', member_id: 'e1' }]);
    stop.abort();
    await running;
    expect(idsIn(await cluster())).toEqual([]);
  });
}
