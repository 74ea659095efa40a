import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import type { Database } from '../../../src/storage/database.js';
import {
  MEMBER,
  startApi,
  STRANGER,
  thresholdBody,
  type Answered,
  type Caller,
  type TestApi,
} from '../../support/api.js';
import { anyDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';

const MIB = 1024 * 1024;
const LARGE = 16 * MIB;
const OWN = 'Too many bytes of request bodies of this project at once';

let db: Database;
let api: TestApi;
const sockets: Socket[] = [];
/** Answers, but not authentication, wait for it. */
let gate = Promise.resolve();

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db, { runAs: (owner, work) => (owner.startsWith('address') ? work() : gate.then(work)) });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  await api.close();
  await db.close();
});

/** A connection that has sent the head of a POST to this path, and no body. */
async function begun(path: string, headers: Caller): Promise<Socket> {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  const lines = Object.entries({ host: 'localhost', 'content-type': 'application/json', ...headers });
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  return socket;
}

async function answerOn(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

/** Samples in a body of this size. */
function bodyOf(bytes: number): Buffer {
  const sample = {
    counter_type: 'gauge',
    counter_unit: '',
    counter_volume: 1,
    resource_id: 'r',
    resource_metadata: {},
  };
  const text = JSON.stringify({ ...sample, resource_metadata: { padding: ' '.repeat(10_000) } });
  return Buffer.from(
    `[${Array(Math.floor(bytes / text.length) - 1)
      .fill(text)
      .join(',')}]`.padEnd(bytes),
  );
}
const post = (body: Buffer, as: Caller = MEMBER): Promise<Answered> =>
  api.ask('POST', '/v2/meters/cpu', { as, raw: body });

describe('a project with a large body under way', () => {
  /** A request whose body is expected and does not come. */
  async function slowly(): Promise<Socket> {
    const expecting = { ...MEMBER, 'content-length': String(LARGE), expect: '100-continue' };
    const socket = await begun('/v2/meters/cpu', expecting);
    expect(await answerOn(socket)).toMatch(/^HTTP\/1.1 100 /);
    return socket;
  }
  const second = bodyOf(MIB);

  test('may send no other, until its client leaves; small ones and other projects pass', async () => {
    const slow = await slowly();
    const refused = await post(second);
    expect([refused.status, refused.fault, refused.headers['retry-after']]).toEqual([429, OWN, '5']);
    expect((await api.ask('POST', '/v2/alarms', { as: MEMBER, body: thresholdBody() })).status).toBe(201);
    expect((await post(second, STRANGER)).status).toBe(201);
    slow.destroy();
    await eventually(async () => expect((await post(second)).status).toBe(201));
  });

  test('may send no other while its answer is made, even if its client has left', async () => {
    let open = (): void => undefined;
    gate = new Promise((resolve) => (open = resolve));
    const first = await begun('/v2/meters/cpu', { ...MEMBER, 'content-length': String(second.length) });
    first.write(second);
    const others = Array.from({ length: 15 }, () => post(second));
    await eventually(async () => expect((await post(second)).status).toBe(429));
    first.destroy();
    expect((await post(second)).status).toBe(429);
    open();
    for (const other of others) expect((await other).status).toBe(201);
    await eventually(async () => expect((await post(second)).status).toBe(201));
  });
});

describe('a refused body', () => {
  const LIMIT = 64 * 1024;
  const tooLarge = Buffer.alloc(4 * MIB, ' ');
  const next =
    'GET /v2/quotas HTTP/1.1\r\nhost: localhost\r\nx-user-id: u\r\nx-project-id: p\r\nx-roles: member\r\n\r\n';

  test.each<[string, number, string, Caller, Buffer]>([
    [
      'that announces too many bytes',
      413,
      '/v2/alarms',
      { ...MEMBER, 'content-length': String(tooLarge.length) },
      tooLarge,
    ],
    ['of an unknown path', 404, '/v2/nothing', { ...MEMBER, 'content-length': String(tooLarge.length) }, tooLarge],
    [
      'without a role',
      403,
      '/v2/events',
      { 'x-project-id': 'p', 'x-user-id': 'u', 'content-length': String(tooLarge.length) },
      tooLarge,
    ],
    [
      'of another type',
      415,
      '/v2/alarms',
      { ...MEMBER, 'content-type': 'text/plain', 'content-length': String(tooLarge.length) },
      tooLarge,
    ],
    [
      'that grows too large',
      413,
      '/v2/alarms',
      { ...MEMBER, 'transfer-encoding': 'chunked' },
      Buffer.concat([
        Buffer.from(`${(LIMIT + 1).toString(16)}\r\n`),
        tooLarge.subarray(0, LIMIT + 1),
        Buffer.from('\r\n0\r\n\r\n'),
      ]),
    ],
  ])('%s is answered %i before it has arrived, and its connection goes on', async (_, status, path, headers, body) => {
    const socket = await begun(path, headers);
    const isChunked = headers['transfer-encoding'] !== undefined;
    if (isChunked) socket.write(body.subarray(0, -5));
    expect(await answerOn(socket)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    socket.write(isChunked ? body.subarray(-5) : body);
    socket.write(next);
    expect(await answerOn(socket)).toMatch(/^HTTP\/1.1 200 /);
  });
});
