import { afterEach, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';

import { eventually } from '../support/eventually.js';
import { startReceiver } from '../support/receiver-server.js';
import { describeWithPostgres, startPrivatePostgres } from '../support/servers.js';
import { freePort, startService, type ServiceProcess } from '../support/service-process.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

interface Rig {
  service: ServiceProcess;
  url: string;
  postgres: { url: string; pid: number };
}

async function start(settings: Record<string, string> = {}): Promise<Rig> {
  const postgres = await startPrivatePostgres();
  undo.push(() => postgres.stop());
  const port = await freePort();
  const service = startService({
    DATABASE_URL: postgres.url,
    API_PORT: String(port),
    EVALUATOR_INTERVAL: '1s',
    ...settings,
  });
  undo.push(() => service.kill());
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200));
  return { service, url, postgres };
}

async function post(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(201);
}

/** The server and all its processes, so that a signal reaches every one. */
function family(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((other) => parentOf(other) === pid);
  return [pid, ...children];
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined; // gone since the list was read
  }
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) process.kill(pid, signal);
}

describeWithPostgres('a service whose database is unavailable', () => {
  test('goes on when every connection to the database was cut, and so do its alarms', async () => {
    const { service, url, postgres } = await start();
    const receiver = await startReceiver();
    undo.push(() => receiver.close());
    const admin = new pg.Client({ connectionString: postgres.url });
    await admin.connect();
    undo.push(() => admin.end());
    for (let round = 0; round < 5; round += 1) {
      await admin.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = $1',
        ['client backend'],
      );
    }
    await eventually(() =>
      post(`${url}/v2/alarms`, {
        name: 'high',
        type: 'threshold',
        threshold_rule: { meter_name: 'cpu', comparison_operator: 'gt', threshold: 80 },
        alarm_actions: [receiver.url],
      }),
    );
    const sample = {
      counter_name: 'cpu',
      counter_type: 'gauge',
      counter_unit: '%',
      counter_volume: 95,
      resource_id: 'r',
    };
    await eventually(() => post(`${url}/v2/meters/cpu`, [sample]));
    await eventually(() => expect(receiver.requests.length).toBe(1));
    expect(service.isRunning()).toBe(true);
    expect(await service.stop()).toBe(0);
  });

  test('is not ready while the database hangs, and still ends when it is told to', async () => {
    const { service, url, postgres } = await start({ SHUTDOWN_TIMEOUT: '4s', DATABASE_STATEMENT_TIMEOUT: '5s' });
    const pids = family(postgres.pid);
    signalAll(pids, 'SIGSTOP');
    undo.push(() => signalAll(pids, 'SIGCONT'));
    await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(503));
    await service.stop();
    expect(service.isRunning()).toBe(false);
  });
});
