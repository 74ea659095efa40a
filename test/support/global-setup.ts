import { ensureDebianPackages, POSTGRESQL, REDIS, type InstallableProgram } from '../../src/cli/local-servers/debian-packages.js';
import { startPostgres } from '../../src/cli/local-servers/postgres.js';
import { startRedis, type LocalServer } from '../../src/cli/local-servers/redis.js';
import { toError } from '../../src/errors.js';
import { announceServer, inTemporaryFolder, remember, type ServerKind } from './running-servers.js';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** One PostgreSQL and one Redis for the whole run. What cannot be had is announced; the suites that need it say so too. */
export default async function setUp(): Promise<void> {
  await provide('postgres', POSTGRESQL, (dir) => startPostgres({ dir, durable: false }));
  await provide('redis', REDIS, (dir) => startRedis({ dir }));
}

async function provide(
  kind: ServerKind,
  program: InstallableProgram,
  start: (dir: string) => Promise<LocalServer>,
): Promise<void> {
  try {
    await ensureDebianPackages([program], { neededBy: 'the tests', say, environment: process.env });
    const server = await inTemporaryFolder(start);
    remember(server);
    announceServer(kind, { url: server.url });
  } catch (cause) {
    const absent = toError(cause).message;
    say(`tests that need ${kind} are skipped: ${absent}`);
    announceServer(kind, { absent });
  }
}
