import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import {
  freePort,
  isRoot,
  startLocalProcess,
  unprivilegedAccount,
  type LocalProcess,
} from '../../dev/servers/local-process.js';
import { findPostgres } from '../../dev/servers/postgres.js';
import { findOnPath } from '../../dev/servers/redis.js';
import { eventually } from './eventually.js';
import { ETCD, PATRONI } from './peer-programs.js';
import { descendantsOf, isRunning, signalEach } from './process-tree.js';

/** Two PostgreSQL servers under Patroni with synchronous replication, and the etcd that holds the leader's lock. */
export interface PatroniCluster {
  /** The URL with both hosts. */
  readonly url: string;
  readonly members: readonly PatroniMember[];
  /** Waits until one member leads, and the other has each change before it is acknowledged. */
  untilReplicated(): Promise<{ leader: PatroniMember; standby: PatroniMember }>;
  /** Makes the standby the leader, with `patronictl`. */
  switchOver(members: { leader: PatroniMember; standby: PatroniMember }): Promise<void>;
  stop(): Promise<void>;
}

/** Patroni and its PostgreSQL, which end and hang together, as all processes of a host do. */
export interface PatroniMember {
  readonly name: string;
  /** True if this member holds the leader's lock and accepts changes. */
  isLeader(): Promise<boolean>;
  start(): Promise<void>;
  /** Kills all of its processes at once. Resolves when they are gone. */
  kill(): Promise<void>;
  /** Stops all of its processes from running until `resume`. */
  pause(): void;
  resume(): void;
}

const SCOPE = 'tocsin';
const USER = 'tocsin';
/** Shorter than Patroni's defaults, so that the lock of a dead leader expires soon. */
const TIMES_OF_PATRONI = { ttl: 15, loop_wait: 1, retry_timeout: 5 };
const START_TIMEOUT_MS = 180_000;
const REQUEST_MS = 3_000;
const KILL = [{ signal: 'SIGKILL', waitMs: 10_000 }] as const;
/** Processes of a namespace end with its first one, and that one with the process that made the namespace. */
const NAMESPACE = ['--pid', '--ipc', '--mount-proc', '--kill-child'];

/** Why this machine cannot run members; undefined if it can. */
export function patroniObstacle(): string | undefined {
  const tried = spawnSync('unshare', [...namespaceOptions(), 'true'], { encoding: 'utf8' });
  if (tried.status === 0) return undefined;
  return `namespaces of processes cannot be made here: ${tried.error?.message ?? tried.stderr.trim()}`;
}

/** Starts all of it in a folder that other accounts can enter. */
export async function startPatroni(dir: string): Promise<PatroniCluster> {
  const etcd = await startEtcd(path.join(dir, 'etcd'));
  const password = randomBytes(18).toString('base64url');
  const options = { dir, password, etcdPort: etcd.port };
  const members = [await createMember('one', options), await createMember('two', options)] as const;
  const stop = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.kill()));
    await etcd.stop();
  };
  try {
    await Promise.all(members.map((member) => member.start()));
  } catch (cause) {
    await stop();
    throw cause;
  }
  const hosts = members.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return {
    url: `postgres://${USER}:${password}@${hosts}/postgres`,
    members,
    untilReplicated: () =>
      eventually(async () => {
        for (const standby of members) {
          const leader = members[standby === members[0] ? 1 : 0];
          if ((await leader.isLeader()) && (await standby.isSynchronous())) return { leader, standby };
        }
        throw new Error('there is no leader with a synchronous standby');
      }),
    switchOver: ({ leader, standby }) =>
      patronictl(members[0].file, 'switchover', SCOPE, '--leader', leader.name, '--candidate', standby.name, '--force'),
    stop,
  };
}

async function startEtcd(dir: string): Promise<{ port: number; stop(): Promise<void> }> {
  makeFolder(dir);
  const port = await freePort();
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${await freePort()}`];
  const etcd = await startLocalProcess({
    name: 'etcd',
    command: ETCD.find() ?? 'etcd',
    args: [
      ...['--data-dir', path.join(dir, 'data'), '--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
    ],
    logFile: path.join(dir, 'etcd.log'),
    account: unprivilegedAccount('postgres'),
    endSignal: 'KILL',
  });
  await etcd.untilReady((logged) => logged.includes('ready to serve client requests'), START_TIMEOUT_MS);
  return { port, stop: () => etcd.stop(KILL) };
}

/** A member, and what the others of its cluster know of it. */
interface Member extends PatroniMember {
  port: number;
  /** Its configuration. */
  file: string;
  isSynchronous(): Promise<boolean>;
}

interface MemberSettings {
  dir: string;
  password: string;
  etcdPort: number;
}

async function createMember(name: string, settings: MemberSettings): Promise<Member> {
  const folder = path.join(settings.dir, name);
  makeFolder(folder);
  const ports = { postgres: await freePort(), api: await freePort() };
  const file = path.join(folder, 'patroni.json');
  writeFileSync(file, JSON.stringify(configuration(name, folder, settings, ports)));
  let running: LocalProcess | undefined;
  const answers = (path: string): Promise<boolean> =>
    fetch(`http://127.0.0.1:${ports.api}/${path}`, { signal: AbortSignal.timeout(REQUEST_MS) }).then(
      ({ ok }) => ok,
      () => false,
    );
  const all = (): number[] => (running === undefined ? [] : descendantsOf(running.pid));
  return {
    name,
    port: ports.postgres,
    file,
    isLeader: () => answers('primary'),
    isSynchronous: () => answers('synchronous'),
    async start() {
      running = await startInNamespace(file, path.join(folder, 'patroni.log'));
    },
    async kill() {
      const ending = all();
      // The first of the namespace: the process that made the namespace waits for its end, and ends itself.
      signalEach(ending.slice(0, 1), 'SIGKILL');
      await running?.exited;
      await eventually(() => {
        if (ending.some(isRunning)) throw new Error(`processes of ${name} still run`);
      });
    },
    pause: () => signalEach(all(), 'SIGSTOP'),
    resume: () => signalEach(all(), 'SIGCONT'),
  };
}

/**
 * Starts Patroni, with its servers, in a namespace of processes: PostgreSQL outlives a Patroni that is killed. All of
 * them end with this process, even those that are stopped from running.
 */
function startInNamespace(file: string, logFile: string): Promise<LocalProcess> {
  const account = unprivilegedAccount('postgres');
  // A change of the account unties the program from the process that made the namespace.
  const asAccount = account
    ? ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', '--pdeathsig=KILL', '--']
    : [];
  const args = [...namespaceOptions(), ...asAccount, PATRONI.find() ?? 'patroni', file];
  return startLocalProcess({ name: 'Patroni', command: 'unshare', args, logFile, endSignal: 'KILL' });
}

/** Only root can make a namespace of processes without one of accounts. */
function namespaceOptions(): string[] {
  return isRoot() ? [...NAMESPACE] : ['--map-current-user', ...NAMESPACE];
}

/** Folders belong to the account that runs the servers, which PostgreSQL demands. */
function makeFolder(folder: string): void {
  const account = unprivilegedAccount('postgres');
  mkdirSync(folder);
  chmodSync(folder, 0o700);
  if (account) chownSync(folder, account.uid, account.gid);
}

/** As a file of Patroni, which reads JSON since it reads YAML. */
function configuration(
  name: string,
  folder: string,
  { password, etcdPort }: MemberSettings,
  ports: { postgres: number; api: number },
): unknown {
  const address = (port: number): string => `127.0.0.1:${port}`;
  const servers = { listen: address(ports.postgres), connect_address: address(ports.postgres) };
  return {
    scope: SCOPE,
    name,
    etcd3: { host: address(etcdPort) },
    restapi: { listen: address(ports.api), connect_address: address(ports.api) },
    bootstrap: {
      dcs: {
        ...TIMES_OF_PATRONI,
        synchronous_mode: true,
        postgresql: { use_pg_rewind: true, parameters: { max_connections: 100 } },
      },
      initdb: [{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }, 'data-checksums'],
    },
    postgresql: {
      ...servers,
      bin_dir: findPostgres(),
      data_dir: path.join(folder, 'data'),
      pgpass: path.join(folder, 'pgpass'),
      authentication: {
        superuser: { username: USER, password },
        replication: { username: 'replicator', password },
      },
      pg_hba: ['host all all 127.0.0.1/32 scram-sha-256', 'host replication all 127.0.0.1/32 scram-sha-256'],
      parameters: { unix_socket_directories: '', dynamic_shared_memory_type: 'mmap' },
    },
  };
}

async function patronictl(file: string, ...args: string[]): Promise<void> {
  const program = findOnPath('patronictl') ?? 'patronictl';
  const account = unprivilegedAccount('postgres') ?? {};
  // Not spawnSync: servers of the test in this process have to answer meanwhile.
  await promisify(execFile)(program, ['-c', file, ...args], { cwd: '/', ...account });
}
