import { ensureDebianPackages, POSTGRESQL, REDIS, type InstallableProgram } from '../../dev/servers/debian-packages.js';
import { startPostgres } from '../../dev/servers/postgres.js';
import { startRedis } from '../../dev/servers/redis.js';
import { toError } from '../../src/errors.js';
import { hostNetworkObstacle } from '../faults/hosts/host-network.js';
import { embeddedDump } from './embedded-dump.js';
import { startGnocchiLauncher } from './gnocchi-launcher.js';
import { patroniObstacle } from './patroni.js';
import {
  AODH,
  AODH_SERVICE,
  CHROMIUM,
  CRONITER,
  ETCD,
  ETCD_CLIENT,
  GNOCCHI,
  HAPROXY,
  IPROUTE,
  KEYSTONE,
  NGINX,
  OPENSTACK,
  PATRONI,
  PROMETHEUS,
  SYSTEMD_ANALYZE,
  TZ_DATABASE,
} from './peer-programs.js';
import { createMigratedDatabase } from './run-servers.js';
import {
  announceEmbeddedDump,
  announceServer,
  inTemporaryFolder,
  remember,
  type RunServer,
  type ServerKind,
} from './running-servers.js';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/**
 * One PostgreSQL and one Redis for the whole run, and the programs that some suites start themselves.
 * What cannot be had is announced; the suites that need it say so too.
 */
export default async function setUp(): Promise<void> {
  announceEmbeddedDump(await embeddedDump());
  await provide('postgres', [POSTGRESQL], async () => {
    const url = await started((dir) => startPostgres({ dir, durable: false }));
    await createMigratedDatabase(url);
    return url;
  });
  await provide('redis', [REDIS], () => started((dir) => startRedis({ dir })));
  await provide('patroni', [POSTGRESQL, PATRONI, ETCD, ETCD_CLIENT], () => {
    refuse(patroniObstacle());
    return PATRONI.find();
  });
  await provide('host-network', [POSTGRESQL, REDIS, IPROUTE], () => {
    refuse(hostNetworkObstacle());
    return IPROUTE.find();
  });
  await provide('aodh', [AODH, OPENSTACK], () => AODH.find());
  await provide('keystone', [KEYSTONE], () => KEYSTONE.find());
  await provide('gnocchi', [GNOCCHI], () => started(startGnocchiLauncher));
  await provide('prometheus', [PROMETHEUS], () => PROMETHEUS.find());
  await provide('aodh-service', [AODH_SERVICE], () => AODH_SERVICE.find());
  await provide('croniter', [CRONITER, TZ_DATABASE], () => CRONITER.find());
  await provide('systemd-analyze', [SYSTEMD_ANALYZE], () => SYSTEMD_ANALYZE.find());
  await provide('nginx', [NGINX], () => NGINX.find());
  await provide('haproxy', [HAPROXY], () => HAPROXY.find());
  await provide('chromium', [CHROMIUM], () => CHROMIUM.find());
}

async function provide(
  kind: ServerKind,
  programs: readonly InstallableProgram[],
  place: () => Promise<string> | string | undefined,
): Promise<void> {
  try {
    await ensureDebianPackages(programs, { neededBy: 'the tests', say, environment: process.env });
    announceServer(kind, { url: (await place()) as string });
  } catch (cause) {
    const absent = toError(cause).message;
    say(`tests that need ${kind} are skipped: ${absent}`);
    announceServer(kind, { absent });
  }
}

function refuse(obstacle: string | undefined): void {
  if (obstacle !== undefined) throw new Error(obstacle);
}

async function started(start: (dir: string) => Promise<RunServer>): Promise<string> {
  const server = await inTemporaryFolder(start);
  remember(server);
  return server.url;
}
