import { afterEach, expect, test } from '@jest/globals';
import type { Socket } from 'node:net';

import { silentLogger } from '../../../src/logger.js';
import { createPrimaryPool } from '../../../src/storage/engine/primary-pool.js';
import { eventually } from '../../support/eventually.js';
import { startPostgresDouble, textAnswer, type PostgresDouble } from '../../support/postgres-double.js';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const STANDBY = '';
const [BEFORE, AFTER] = ['00000009', '0000000A'];

/** A server that says on which timeline it writes. */
async function startHost(timeline: string): Promise<PostgresDouble & { become(timeline: string): void }> {
  const double = await startPostgresDouble();
  undo.push(() => double.goAway());
  const become = (next: string): void =>
    double.behave({ query: (socket: Socket) => void socket.write(textAnswer('timeline', next)) });
  become(timeline);
  return { ...double, become };
}

const portOf = (url: string): string => new URL(url).port;

/** A function that resolves to the port of a new connection, which is closed then. */
function connecting(first: PostgresDouble, second: PostgresDouble): () => Promise<string> {
  const url = `postgres://u@127.0.0.1:${portOf(first.url)},127.0.0.1:${portOf(second.url)}/d`;
  const pool = createPrimaryPool(url, { connectionTimeoutMillis: 5_000 }, silentLogger);
  undo.push(() => pool.end());
  return async () => {
    const client = await pool.connect();
    const { port } = client as unknown as { port: number };
    client.release(true);
    return String(port);
  };
}

test('a new connection is not used if its host has become a standby, although the pool used it before', async () => {
  const [first, second] = [await startHost(BEFORE), await startHost(STANDBY)];
  const connectedTo = connecting(first, second);
  expect(await connectedTo()).toBe(portOf(first.url));
  expect(await connectedTo()).toBe(portOf(first.url));
  first.become(STANDBY);
  second.become(AFTER);
  expect(await connectedTo()).toBe(portOf(second.url));
  second.become(STANDBY);
  await expect(connectedTo()).rejects.toThrow('the server is a standby');
});

test('a former primary is not used again, although it still accepts changes', async () => {
  const [first, second] = [await startHost(BEFORE), await startHost(STANDBY)];
  const connectedTo = connecting(first, second);
  expect(await connectedTo()).toBe(portOf(first.url));
  first.become(STANDBY);
  second.become(AFTER);
  expect(await connectedTo()).toBe(portOf(second.url));
  first.become(BEFORE);
  second.become(STANDBY);
  await expect(connectedTo()).rejects.toThrow('the server is a standby');
  second.become(AFTER);
  expect(await connectedTo()).toBe(portOf(second.url));
});

test('a host is used that answers first, until one answers that was promoted later', async () => {
  const [first, second] = [await startHost(BEFORE), await startHost(AFTER)];
  const connectedTo = connecting(first, second);
  await eventually(async () => expect(await connectedTo()).toBe(portOf(second.url)));
  second.become(STANDBY);
  await expect(connectedTo()).rejects.toThrow('the server is a standby');
});
