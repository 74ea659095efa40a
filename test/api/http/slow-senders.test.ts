import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import type { Database } from '../../../src/storage/database.js';
import { startApi, type TestApi } from '../../support/api.js';
import { anyDatabase } from '../../support/databases.js';

const MIB = 1024 * 1024;
const TRICKLE_MS = 20;

let db: Database;
let api: TestApi;
const sockets: Socket[] = [];

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db, { requestTimeoutMs: 600 });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  await api.close();
  await db.close();
});

/** Sends the beginning of a request, then `piece` again and again until the connection is closed. */
async function trickle(beginning: string, piece: string): Promise<{ text: string; pieces: number }> {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  sockets.push(socket);
  let text = '';
  let pieces = 0;
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(beginning);
  const more = (): void => {
    if (!socket.writable) return;
    socket.write(piece);
    pieces += 1;
    setTimeout(more, TRICKLE_MS);
  };
  more();
  await once(socket, 'close');
  return { text, pieces };
}

const head = (path: string, ...headers: string[]): string =>
  [`POST ${path} HTTP/1.1`, 'Host: localhost', 'Content-Type: application/json', ...headers, '', ''].join('\r\n');

test.each([
  ['a small body', `${head('/v2/alarms', 'Content-Length: 60000')}{`, ' '],
  ['a small body in chunks', head('/v2/alarms', 'Transfer-Encoding: chunked'), '1\r\n \r\n'],
  ['a list of samples', `${head('/v2/meters/cpu', `Content-Length: ${16 * MIB}`)}[`, ' '],
  ['a list of samples in chunks', head('/v2/meters/cpu', 'Transfer-Encoding: chunked'), '1\r\n \r\n'],
  ['a list of events', `${head('/v2/events', `Content-Length: ${16 * MIB}`)}[`, ' '],
  ['its headers', 'POST /v2/alarms HTTP/1.1\r\nHost: localhost\r\nX-Note: ', 'x'],
])('a client that sends %s byte by byte is answered 408 and cut off', async (_, beginning, piece) => {
  const { text, pieces } = await trickle(beginning, piece);
  expect(text).toMatch(/^HTTP\/1\.1 408 /);
  expect(text).toContain('The request did not arrive in time');
  expect(pieces).toBeGreaterThan(1);
});

test('a client that goes on sending the body of a refused request is cut off, too', async () => {
  const { text } = await trickle(head('/v2/nothing', `Content-Length: ${16 * MIB}`), ' ');
  expect(text).toMatch(/^HTTP\/1\.1 404 /);
});
