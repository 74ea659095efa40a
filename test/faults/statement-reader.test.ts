import { describe, expect, test } from '@jest/globals';

import { readStatements } from './statement-reader.js';

const STARTUP = message('', '\0\x03\0\0user\0tocsin\0\0');
const PARSE = message('P', 's7\0update alarms set state = $1\0\0\0');
const BIND = message('B', '\0s7\0\0\0');
const COMMIT = message('Q', 'commit\0');

/** A message of PostgreSQL's protocol. The first of a connection has no type. */
function message(type: string, body: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + body.length);
  return Buffer.concat([Buffer.from(type, 'latin1'), length, Buffer.from(body, 'latin1')]);
}

describe('the statements that a client executes', () => {
  const all = [STARTUP, PARSE, BIND, COMMIT, BIND];
  const statements = ['update alarms set state = $1', 'commit', 'update alarms set state = $1'];

  test.each<{ sent: string; chunks: Buffer[]; expected: string[] }>([
    { sent: 'message by message', chunks: all, expected: statements },
    { sent: 'all at once', chunks: [Buffer.concat(all)], expected: statements },
    {
      sent: 'byte by byte',
      chunks: [...Buffer.concat(all)].map((byte) => Buffer.from([byte])),
      expected: statements,
    },
    { sent: 'prepared, and not executed', chunks: [STARTUP, PARSE], expected: [] },
    { sent: 'by an unknown name', chunks: [STARTUP, BIND], expected: [] },
    { sent: 'of which the end is missing', chunks: [STARTUP, COMMIT.subarray(0, -1)], expected: [] },
  ])('$sent', ({ chunks, expected }) => {
    const read = readStatements();
    expect(chunks.flatMap(read)).toEqual(expected);
  });
});
