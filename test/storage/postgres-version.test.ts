import { afterEach, expect, test } from '@jest/globals';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

import { silentLogger } from '../../src/logger.js';
import { openPostgres } from '../../src/storage/postgres.js';

let server: Server | undefined;
afterEach(() => {
  server?.close();
});

function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const READY = message('Z', Buffer.from('I'));

/** As much of a server as is needed to ask it for its version: servers that are too old cannot be had. */
function answerWith(version: string): (socket: Socket) => void {
  return (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(Buffer.concat([message('R', int32(0)), READY]));
      socket.on('data', (bytes) => {
        if (bytes.toString('latin1', 0, 1) !== 'Q') return;
        const column = Buffer.concat([text('version'), int32(0), int16(0), int32(25), int16(-1 & 0xffff), int32(-1), int16(0)]);
        const row = Buffer.concat([int16(1), int32(version.length), Buffer.from(version)]);
        socket.write(Buffer.concat([message('T', int16(1), column), message('D', row), message('C', text('SELECT 1')), READY]));
      });
    });
  };
}

test('a PostgreSQL older than 15 is refused in one line that says what is needed', async () => {
  const old = createServer(answerWith('140011'));
  server = old;
  await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
  const { port } = old.address() as AddressInfo;
  const options = { url: `postgres://u@127.0.0.1:${port}/d`, maxConnections: 1, statementTimeoutMs: 2_000 };
  await expect(openPostgres(options, silentLogger)).rejects.toThrow(
    'database.url: PostgreSQL 14 is too old; Tocsin needs 15 or later',
  );
});
