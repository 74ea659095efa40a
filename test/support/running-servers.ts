import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Set-up and tear-down of a run are two modules of one process; this is what the first leaves for the second. */
declare global {
  var tocsinTestServers: RunServer[] | undefined;
}

/** What tear-down stops. */
export interface RunServer {
  /** An address, or the path of a socket. */
  url: string;
  stop(): Promise<void>;
}

export function remember(server: RunServer): void {
  (globalThis.tocsinTestServers ??= []).push(server);
}

export function takeAll(): RunServer[] {
  return globalThis.tocsinTestServers?.splice(0) ?? [];
}

/** A server that runs for the whole run, or a program that a suite starts when it needs it. */
export type ServerKind =
  | 'postgres'
  | 'redis'
  | 'patroni'
  | 'host-network'
  | 'aodh'
  | 'keystone'
  | 'gnocchi'
  | 'prometheus'
  | 'aodh-service'
  | 'croniter'
  | 'systemd-analyze'
  | 'nginx'
  | 'haproxy'
  | 'chromium';

/** The address of a server, the path of a program. */
export const URL_VARIABLE = {
  postgres: 'TOCSIN_TEST_PG',
  redis: 'TOCSIN_TEST_REDIS',
  patroni: 'TOCSIN_TEST_PATRONI',
  'host-network': 'TOCSIN_TEST_HOST_NETWORK',
  aodh: 'TOCSIN_TEST_AODH',
  keystone: 'TOCSIN_TEST_KEYSTONE',
  gnocchi: 'TOCSIN_TEST_GNOCCHI',
  prometheus: 'TOCSIN_TEST_PROMETHEUS',
  'aodh-service': 'TOCSIN_TEST_AODH_SERVICE',
  croniter: 'TOCSIN_TEST_CRONITER',
  'systemd-analyze': 'TOCSIN_TEST_SYSTEMD_ANALYZE',
  nginx: 'TOCSIN_TEST_NGINX',
  haproxy: 'TOCSIN_TEST_HAPROXY',
  chromium: 'TOCSIN_TEST_CHROMIUM',
} as const satisfies Record<ServerKind, string>;

export const REASON_VARIABLE = {
  postgres: 'TOCSIN_TEST_PG_ABSENT',
  redis: 'TOCSIN_TEST_REDIS_ABSENT',
  patroni: 'TOCSIN_TEST_PATRONI_ABSENT',
  'host-network': 'TOCSIN_TEST_HOST_NETWORK_ABSENT',
  aodh: 'TOCSIN_TEST_AODH_ABSENT',
  keystone: 'TOCSIN_TEST_KEYSTONE_ABSENT',
  gnocchi: 'TOCSIN_TEST_GNOCCHI_ABSENT',
  prometheus: 'TOCSIN_TEST_PROMETHEUS_ABSENT',
  'aodh-service': 'TOCSIN_TEST_AODH_SERVICE_ABSENT',
  croniter: 'TOCSIN_TEST_CRONITER_ABSENT',
  'systemd-analyze': 'TOCSIN_TEST_SYSTEMD_ANALYZE_ABSENT',
  nginx: 'TOCSIN_TEST_NGINX_ABSENT',
  haproxy: 'TOCSIN_TEST_HAPROXY_ABSENT',
  chromium: 'TOCSIN_TEST_CHROMIUM_ABSENT',
} as const satisfies Record<ServerKind, string>;

/** How the set-up of the run tells every test process where its servers are, or why one is missing. */
export function announceServer(kind: ServerKind, found: { url: string } | { absent: string }): void {
  if ('url' in found) process.env[URL_VARIABLE[kind]] = found.url;
  else process.env[REASON_VARIABLE[kind]] = found.absent;
}

export function hasServer(kind: ServerKind): boolean {
  return process.env[URL_VARIABLE[kind]] !== undefined;
}

const DUMP_VARIABLE = 'TOCSIN_TEST_EMBEDDED_DUMP';

/** Tells every test process where the dump of a migrated embedded database is. */
export function announceEmbeddedDump(file: string): void {
  process.env[DUMP_VARIABLE] = file;
}

export function announcedEmbeddedDump(): string {
  const file = process.env[DUMP_VARIABLE];
  if (file === undefined) throw new Error('this run has no dump of an embedded database');
  return file;
}

/** A server of a test may be killed by its pid as well; `stop` cleans up after it either way. */
export async function inTemporaryFolder<S extends { stop(): Promise<void> }>(
  start: (dir: string) => Promise<S>,
): Promise<S> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'tocsin-test-'));
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  try {
    const server = await start(dir);
    const stop = async (): Promise<void> => {
      await server.stop();
      remove();
    };
    return { ...server, stop };
  } catch (cause) {
    remove();
    throw cause;
  }
}
