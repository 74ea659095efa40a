import { afterEach, expect, test } from '@jest/globals';
import type { Socket } from 'node:net';

import { silentLogger } from '../../../src/logger.js';
import { createPrimaryPool } from '../../../src/storage/engine/primary-pool.js';
import { booleanAnswer, startPostgresDouble, type PostgresDouble } from '../../support/postgres-double.js';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A server that says whether it is a standby. */
async function startHost(isStandby: boolean): Promise<PostgresDouble & { become(standby: boolean): void }> {
  const double = await startPostgresDouble();
  undo.push(() => double.goAway());
  const become = (standby: boolean): void =>
    double.behave({ query: (socket: Socket) => void socket.write(booleanAnswer('isStandby', standby)) });
  become(isStandby);
  return { ...double, become };
}

const portOf = (url: string): string => new URL(url).port;

test('a new connection is not used if its host has become a standby, although the pool used it before', async () => {
  const [first, second] = [await startHost(false), await startHost(true)];
  const url = `postgres://u@127.0.0.1:${portOf(first.url)},127.0.0.1:${portOf(second.url)}/d`;
  const pool = createPrimaryPool(url, { connectionTimeoutMillis: 5_000 }, silentLogger);
  undo.push(() => pool.end());
  /** The port of a new connection, which is closed then. */
  const connectedTo = async (): Promise<string> => {
    const client = await pool.connect();
    const { port } = client as unknown as { port: number };
    client.release(true);
    return String(port);
  };
  expect(await connectedTo()).toBe(portOf(first.url));
  expect(await connectedTo()).toBe(portOf(first.url));
  first.become(true);
  second.become(false);
  expect(await connectedTo()).toBe(portOf(second.url));
  second.become(true);
  await expect(connectedTo()).rejects.toThrow('the server is a standby');
});
