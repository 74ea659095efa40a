import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { startSilentProxy } from './silent-proxy.js';

/** The server keeps transactions of clients that it does not hear much longer than it lets others wait for locks. */
const SETTINGS = { statementTimeoutMs: 10_000, mostSilenceMs: 120_000 };

/** Opens a database with connections that the server does not close while the test runs. */
export async function openPatient(url: string, maxConnections: number): Promise<Database> {
  return openPostgres({ url, maxConnections, ...SETTINGS }, silentLogger);
}

/**
 * Makes a request to PostgreSQL from a client whose connection is cut without a sign after `writes` writes. Resolves
 * when it is cut or the request has ended.
 */
export async function makeCutOff(
  serverUrl: string,
  writes: number,
  request: (db: Database) => Promise<unknown>,
): Promise<{ end(): Promise<void> }> {
  const url = new URL(serverUrl);
  const proxy = await startSilentProxy(Number(url.port));
  url.port = String(proxy.port);
  const client = await openPatient(url.href, 1);
  proxy.cutAfter(writes);
  const answer = request(client).then(
    () => 'answered',
    () => 'no answer',
  );
  while (!proxy.isCut && (await Promise.race([answer, nextTurn()])) === undefined) await nextTurn();
  return {
    async end() {
      await proxy.close();
      await answer;
      await client.close().catch(() => undefined);
    },
  };
}

function nextTurn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)));
}
