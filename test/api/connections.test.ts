import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { unauthenticated } from '../../src/api/identity/identity.js';
import type { Database } from '../../src/storage/database.js';
import { startApi, type TestApi, type TestApiOptions } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';

const MAX = 10;
const REQUEST = 'GET /v2/quotas HTTP/1.1\r\nhost: a\r\nx-auth-token: good\r\n\r\n';
const STRANGER = 'GET /livez HTTP/1.1\r\nhost: a\r\n\r\n';

let db: Database;
let api: TestApi;
const sockets: Socket[] = [];

beforeAll(async () => {
  db = await anyDatabase();
});
afterAll(() => db.close());

async function start(options: TestApiOptions = {}): Promise<void> {
  api = await startApi(db, {
    maxConnections: MAX,
    authentication: () => ({
      authenticate: ({ headers }) =>
        headers['x-auth-token'] === 'good'
          ? Promise.resolve({ userId: 'u', projectId: 'p', role: 'admin' })
          : Promise.reject(unauthenticated()),
    }),
    ...options,
  });
}
beforeEach(() => start());
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await api.close();
});

/** A connection from an address of loopback. Each is younger than the one before. */
async function opened(localAddress = '127.0.0.1'): Promise<Socket> {
  await api.clock.advance(1_000);
  const socket = connect({ port: Number(new URL(api.url).port), host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** The status of an answer; 0 if the connection was closed instead. */
async function ask(socket: Socket, request: string): Promise<number> {
  if (socket.destroyed) return 0;
  const answered = new Promise<number>((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(chunk.toString())?.[1])));
    socket.once('close', () => resolve(0));
  });
  socket.write(request);
  return answered;
}

async function closedOf(some: readonly Socket[], count: number): Promise<Socket[]> {
  for (const socket of some) socket.resume();
  return eventually(async () => {
    const closed = some.filter(({ destroyed }) => destroyed);
    expect(closed).toHaveLength(count);
    return closed;
  });
}

describe('with more connections than there may be', () => {
  test('those that never carried an authenticated request are closed, the longest idle first', async () => {
    const customer = await opened();
    expect(await ask(customer, REQUEST)).toBe(200);
    const strangers: Socket[] = [];
    for (let count = 0; count < 2 * MAX; count += 1) strangers.push(await opened());
    expect(await closedOf(strangers, MAX + 1)).toEqual(strangers.slice(0, MAX + 1));
    expect(await ask(customer, REQUEST)).toBe(200);
    expect(await ask(await opened(), REQUEST)).toBe(200);
  });

  test('a request without credentials does not keep its connection', async () => {
    const stranger = await opened();
    expect(await ask(stranger, STRANGER)).toBe(200);
    const customers: Socket[] = [];
    for (let count = 0; count < MAX; count += 1) {
      customers.push(await opened());
      expect(await ask(customers[count]!, REQUEST)).toBe(200);
    }
    const late = await opened();
    expect(await ask(late, REQUEST)).toBe(200);
    await closedOf([stranger], 1);
  });

  test('if all carried authenticated requests, the longest idle one of the address with most is closed', async () => {
    const other = await opened('127.0.0.2');
    expect(await ask(other, REQUEST)).toBe(200);
    const many: Socket[] = [];
    for (let count = 0; count < MAX; count += 1) {
      const socket = await opened();
      many.push(socket);
      expect(await ask(socket, REQUEST)).toBe(200);
    }
    expect(await closedOf(many, 1)).toEqual(many.slice(0, 1));
    expect(await ask(other, REQUEST)).toBe(200);
  });

  test('a trusted proxy is not the address with most', async () => {
    await api.close();
    await start({ isTrustedProxy: (address) => address.endsWith('127.0.0.1') });
    const greedy = [await opened('127.0.0.2'), await opened('127.0.0.2')];
    for (const socket of greedy) expect(await ask(socket, REQUEST)).toBe(200);
    const behindProxy: Socket[] = [];
    for (let count = 0; count < MAX - 1; count += 1) {
      const socket = await opened();
      behindProxy.push(socket);
      expect(await ask(socket, REQUEST)).toBe(200);
    }
    expect(await closedOf([...greedy, ...behindProxy], 1)).toEqual(greedy.slice(0, 1));
  });
});
