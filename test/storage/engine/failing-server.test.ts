import { afterEach, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { startPostgres } from '../../../dev/servers/postgres.js';
import type { LocalServer } from '../../../dev/servers/redis.js';
import { silentLogger } from '../../../src/logger.js';
import type { Database } from '../../../src/storage/database.js';
import { openPostgres } from '../../../src/storage/engine/postgres.js';
import { migrate } from '../../../src/storage/migration/migrate.js';
import { startApi, thresholdBody, type TestApi } from '../../support/api.js';
import { eventually } from '../../support/eventually.js';
import { describeWithPostgres, startPrivatePostgres } from '../../support/servers.js';

const DISK_SIZE = '150m';

/** Only root can, and not in every container. */
function canMount(): boolean {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-mount-'));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0;
  if (isMounted) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return isMounted;
}

interface FailingServer {
  server: LocalServer;
  api: TestApi;
  db: Database;
  /** An alarm that exists. */
  id: string;
}

/** Longer than this, a server that does not answer is unavailable. */
const STATEMENT_TIMEOUT_MS = 1_000;

describeWithPostgres('the API while its PostgreSQL fails', () => {
  const started: (() => Promise<unknown> | void)[] = [];
  afterEach(async () => {
    for (const stop of started.splice(0).reverse()) await stop();
  });

  async function begin(start: () => Promise<LocalServer> = startPrivatePostgres): Promise<FailingServer> {
    const server = await start();
    started.push(() => server.stop());
    const options = { url: server.url, maxConnections: 4, statementTimeoutMs: STATEMENT_TIMEOUT_MS };
    const migrating = await openPostgres({ ...options, statementTimeoutMs: 60_000 }, silentLogger);
    await migrate(migrating);
    await migrating.close();
    const db = await openPostgres(options, silentLogger);
    started.push(() => db.close());
    const api = await startApi(db);
    started.push(() => api.close());
    return { server, db, api, id: await api.create(thresholdBody()) };
  }

  /** The statuses of a read and of three writes. */
  async function statuses({ api, id }: FailingServer): Promise<Record<string, number>> {
    const asked = await Promise.all([
      api.ask('GET', `/v2/alarms/${id}`),
      api.ask('POST', '/v2/alarms', { body: thresholdBody() }),
      api.ask('PUT', `/v2/alarms/${id}`, { body: thresholdBody() }),
      api.ask('DELETE', `/v2/alarms/unknown`),
    ]);
    const [get, post, put, del] = asked.map(({ status }) => status);
    return { get, post, put, del } as Record<string, number>;
  }

  const WORKING = { get: 200, post: 201, put: 200, del: 404 };

  async function countOfAlarms({ db }: FailingServer): Promise<number | undefined> {
    return (await db.query<{ n: number }>('select count(*) as n from alarms')).rows[0]?.n;
  }

  test('answers 503 for all requests while the server is stopped, and works again by itself', async () => {
    const failing = await begin();
    const backends = spawnSync('pgrep', ['-P', String(failing.server.pid)], { encoding: 'utf8' }).stdout;
    const pids = [failing.server.pid, ...backends.trim().split(/\s+/).map(Number)];
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    started.push(() => void spawnSync('kill', ['-CONT', ...pids.map(String)])); // after a failure of this test
    expect(await statuses(failing)).toEqual({ get: 503, post: 503, put: 503, del: 503 });
    for (const pid of pids) process.kill(pid, 'SIGCONT');
    await eventually(async () => expect(await statuses(failing)).toEqual(WORKING));
  });

  test('answers 503 for requests in which the server shuts down at once', async () => {
    const failing = await begin();
    let waiting: ReturnType<TestApi['ask']> | undefined;
    const locking = failing.db.transaction(async (tx) => {
      await tx.query('select from alarms where id = $1 for update', [failing.id]);
      waiting = failing.api.ask('PUT', `/v2/alarms/${failing.id}`, { body: thresholdBody() });
      await eventually(async () => {
        const text = "select count(*) as n from pg_stat_activity where wait_event_type = 'Lock'";
        expect((await failing.db.query<{ n: number }>(text)).rows[0]?.n).toBe(1);
      });
      process.kill(failing.server.pid, 'SIGQUIT');
      await waiting;
    });
    await expect(locking).rejects.toMatchObject({ name: 'DatabaseUnavailable' });
    expect(await waiting).toMatchObject({ status: 503 });
    expect(await statuses(failing)).toEqual({ get: 503, post: 503, put: 503, del: 503 });
  });

  test('answers reads, and 503 for writes, while the server is read-only', async () => {
    const failing = await begin();
    await failing.db.query('alter system set default_transaction_read_only = on');
    await failing.db.query('select pg_reload_conf()');
    await eventually(async () =>
      expect(await statuses(failing)).toEqual({ get: 200, post: 503, put: 503, del: expect.any(Number) }),
    );
    const { status, fault } = await failing.api.ask('POST', '/v2/alarms', { body: thresholdBody() });
    expect([status, fault]).toEqual([503, expect.stringContaining('accepts no changes now, only reads')]);
  });

  /** A PostgreSQL on a small disk of its own. */
  async function startOnSmallDisk(): Promise<LocalServer & { disk: string }> {
    const disk = mkdtempSync(path.join(os.tmpdir(), 'tocsin-small-disk-'));
    started.push(() => rmSync(disk, { recursive: true }));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_SIZE}`, 'tmpfs', disk], { encoding: 'utf8' });
    if (mounted.status !== 0) throw new Error(`cannot mount a small disk: ${mounted.stderr}`);
    started.push(() => void spawnSync('umount', ['-l', disk]));
    chmodSync(disk, 0o755);
    return { ...(await startPostgres({ dir: path.join(disk, 'server'), durable: false })), disk };
  }

  // Only root can mount a small disk. For others the read-only server stands for the full one.
  if (canMount()) {
    test('answers reads, and 503 for writes, while the disk of the server is full', async () => {
      let disk = '';
      const failing = await begin(async () => {
        const server = await startOnSmallDisk();
        ({ disk } = server);
        return server;
      });
      const ballast = path.join(disk, 'ballast');
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize)));
      const before = Number(await countOfAlarms(failing));
      let created = 0;
      // Pages that have room left take some rows.
      await eventually(async () => {
        const body = thresholdBody({ description: 'x'.repeat(200), alarm_actions: ['log://'.padEnd(2_000, 'x')] });
        const post = (): ReturnType<TestApi['ask']> => failing.api.ask('POST', '/v2/alarms', { body });
        const answers = await Promise.all(Array.from({ length: 20 }, post));
        created += answers.filter(({ status }) => status === 201).length;
        expect(answers.map(({ status }) => status).filter((status) => status !== 201 && status !== 503)).toEqual([]);
        expect(answers.map(({ status }) => status)).toContain(503);
      });
      const read = await failing.api.ask('GET', `/v2/alarms/${failing.id}`);
      expect(read.status).toBe(200);
      expect(await countOfAlarms(failing)).toBe(before + created);
      rmSync(ballast);
      await eventually(async () => expect(await statuses(failing)).toEqual(WORKING));
    });
  }
});
