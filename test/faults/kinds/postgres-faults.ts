import { readFileSync, readdirSync } from 'node:fs';

import { CONCURRENCY } from '../timings.js';
import { numberFrom, type FaultKind } from '../fault-kind.js';

const NOTIFIERS = 2;
const PROBE_MS = 1_000;

export const restartedPostgres: FaultKind = {
  id: 'F12',
  name: 'postgres-immediate-restart',
  isOutage: true,
  stopsDelivery: true,
  lastsMs: [200, 500],
  async inject({ cluster, db }) {
    const before = cluster.postgres.pid;
    process.kill(before, 'SIGQUIT'); // immediate shutdown
    return {
      detail: 'immediate shutdown, with recovery at the start',
      mayRepeat: NOTIFIERS * CONCURRENCY,
      heal: () => cluster.postgres.startAgain(),
      evidence: async () => {
        const isUp = (await numberFrom(db, 'select 1 as n').catch(() => 0)) === 1;
        return isUp && cluster.postgres.pid !== before ? 'another PostgreSQL runs' : undefined;
      },
    };
  },
};

export const terminatedConnections: FaultKind = {
  id: 'F12',
  name: 'postgres-terminates-all',
  stopsDelivery: true,
  lastsMs: [0, 0],
  async inject({ db }) {
    const ended = await numberFrom(
      db,
      `select count(pg_terminate_backend(pid))::int as n from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    );
    return {
      detail: 'all connections',
      mayRepeat: NOTIFIERS * CONCURRENCY,
      heal: async () => undefined,
      evidence: async () => (ended > 0 ? `${ended} connections were ended` : undefined),
    };
  },
};

export const pausedPostgres: FaultKind = {
  id: 'F12',
  name: 'postgres-hangs',
  isOutage: true,
  stopsDelivery: true,
  lastsMs: [3_000, 8_000],
  async inject({ cluster, db, sleep }) {
    const { pid } = cluster.postgres;
    // The server first, so that it makes no process that goes on.
    process.kill(pid, 'SIGSTOP');
    const stopped = [pid, ...childrenOf(pid)];
    for (const child of stopped.slice(1)) trySignal(child, 'SIGSTOP');
    const answered = Promise.race([
      numberFrom(db, 'select 1 as n').then(
        () => true,
        () => false,
      ),
      sleep(PROBE_MS).then(() => false),
    ]);
    return {
      detail: `${stopped.length} processes stopped from running`,
      mayRepeat: NOTIFIERS * CONCURRENCY,
      heal: async () => {
        for (const one of stopped.reverse()) trySignal(one, 'SIGCONT');
      },
      evidence: async () => ((await answered) ? undefined : `a statement had no answer within ${PROBE_MS} ms`),
    };
  },
};

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined; // it has ended
  }
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}
