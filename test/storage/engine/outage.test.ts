import { afterEach, describe, expect, test } from '@jest/globals';
import type { Socket } from 'node:net';

import { silentLogger } from '../../../src/logger.js';
import type { Database } from '../../../src/storage/database.js';
import { asDatabaseFailure, DatabaseUnavailable } from '../../../src/storage/engine/outage.js';
import { openPglite } from '../../../src/storage/engine/pglite.js';
import { openPostgres } from '../../../src/storage/engine/postgres.js';
import { PATIENCE_MS } from '../../support/patience.js';
import { fatal, startPostgresDouble, type PostgresDouble } from '../../support/postgres-double.js';

const isDatabaseOutage = (thrown: unknown): boolean => thrown instanceof DatabaseUnavailable;
const coded = (code: string, message = 'x'): Error => Object.assign(new Error(message), { code });
const named = (name: string, message = 'x'): Error => Object.assign(new Error(message), { name });
const refused = new AggregateError([coded('ECONNREFUSED')], '');

describe('a failure of the driver without a SQLSTATE', () => {
  test.each<[string, unknown]>([
    ['a query that is not answered in time', new Error('Query read timeout')],
    ['a connection that ends', new Error('Connection terminated')],
    ['a connection that ends unexpectedly', new Error('Connection terminated unexpectedly')],
    ['a connection that takes too long', new Error('Connection terminated due to connection timeout')],
    ['a pool without a free connection', new Error('timeout exceeded when trying to connect')],
    ['a pool that has ended', new Error('Cannot use a pool after calling end on the pool')],
    ['a client that takes too long to connect', new Error('timeout expired')],
    ['a client after an error', new Error('Client has encountered a connection error and is not queryable')],
    ['a client that was closed', new Error('Client was closed and is not queryable')],
    ['a server without TLS', new Error('The server does not support SSL connections')],
    ['a server whose TLS fails', new Error('There was an error establishing an SSL connection')],
    ['a server that speaks another protocol', named('error', 'received invalid response: 48')],
    ['a message out of order', new Error('Received unexpected commandComplete message from backend.')],
    ['a log-in that fails', new Error('SASL: SCRAM-SERVER-FINAL-MESSAGE: server signature does not match')],
    ['a name of several addresses, none of which answers', Object.assign(refused, { code: 'ECONNREFUSED' })],
    ['a thread that ran out of memory', coded('ERR_WORKER_OUT_OF_MEMORY')],
    ['a database in WebAssembly that has crashed', named('RuntimeError', 'unreachable')],
    ['a database in WebAssembly that has ended', named('ExitStatus', 'Program terminated with exit(1)')],
    ['a closed embedded database', new Error('PGlite is closed')],
    ['what is no error at all', 'down'],
    ...[
      [
        'ECONNRESET',
        'ECONNREFUSED',
        'ECONNABORTED',
        'EPIPE',
        'ETIMEDOUT',
        'EHOSTUNREACH',
        'EHOSTDOWN',
        'ENETUNREACH',
        'ENETDOWN',
      ],
      [
        'ENOTFOUND',
        'EAI_AGAIN',
        'ENOENT',
        'EACCES',
        'EMFILE',
        'ENFILE',
        'ENOBUFS',
        'EADDRNOTAVAIL',
        'ERR_STREAM_DESTROYED',
      ],
      [
        'ERR_STREAM_WRITE_AFTER_END',
        'ERR_SOCKET_CLOSED',
        'ERR_TLS_CERT_ALTNAME_INVALID',
        'ERR_SSL_WRONG_VERSION_NUMBER',
      ],
      [
        'CERT_HAS_EXPIRED',
        'DEPTH_ZERO_SELF_SIGNED_CERT',
        'SELF_SIGNED_CERT_IN_CHAIN',
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      ],
    ]
      .flat()
      .map((code): [string, Error] => [code, coded(code)]),
  ])('is an outage: %s', (_, thrown) => {
    expect(isDatabaseOutage(asDatabaseFailure(thrown))).toBe(true);
    expect(isDatabaseOutage(asDatabaseFailure(asDatabaseFailure(thrown)))).toBe(true);
  });

  test.each<[string, unknown]>([
    ['a TypeError', new TypeError("Cannot read properties of undefined (reading 'id')")],
    ['a TypeError of Node.js with a code', Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARG_TYPE' })],
    ['a RangeError', new RangeError('Invalid time value')],
    ['a ReferenceError', new ReferenceError('x is not defined')],
    ['a SyntaxError', new SyntaxError('Unexpected token')],
    ['a value that cannot be sent to a thread', named('DataCloneError')],
    [
      'two statements of one name',
      new Error("Prepared statements must be unique - 's1' was used for a different statement"),
    ],
    ['parameters that are no list', new Error('Query values must be an array')],
    [
      'a statement without a text',
      new Error('A query must have either text or a name. Supplying neither is unsupported.'),
    ],
    ['a parameter that contains itself', new Error('circular reference detected while preparing "x" for query')],
  ])('is a bug: %s', (_, thrown) => {
    expect(asDatabaseFailure(thrown)).toBe(thrown);
    expect(isDatabaseOutage(asDatabaseFailure(thrown))).toBe(false);
  });

  test.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND'])(
    'is no outage of the database if another service fails: %s',
    (code) => {
      expect(isDatabaseOutage(coded(code))).toBe(false);
    },
  );
});

describe('a SQLSTATE', () => {
  test.each(
    [
      ['08006', '08P01', '28P01', '28000', '26000', '3D000', '3F000', '40001', '40P01', '40003', '42501'],
      ['53000', '53100', '53200', '53300', '53400', '55000', '55006', '55P03', '55P04'],
      ['57000', '57014', '57P01', '57P02', '57P03', '57P04', '57P05', '58000', '58030', '58P01', '58P02', '72000'],
      ['F0000', '25006', '25P03', '25P04', 'XX000', 'XX001', 'XX002', 'HV000', '99999'],
    ].flat(),
  )('%s is a failure of the database, with its code', (code) => {
    const failure = asDatabaseFailure(coded(code));
    expect(failure).toMatchObject({ name: 'DatabaseUnavailable', code, isOutcomeUnknown: false });
  });

  test.each(
    [
      ['0A000', '21000', '22001', '22P02', '22021', '23502', '23505', '24000', '25001', '25P01', '25P02', '34000'],
      ['42601', '42703', '42P01', '44000', '54000', 'P0001'],
    ].flat(),
  )('%s is a fault of this service', (code) => {
    const thrown = coded(code);
    expect(asDatabaseFailure(thrown)).toBe(thrown);
  });

  test('0A000 is a failure of the database for a statement that was prepared before a migration', () => {
    const failure = asDatabaseFailure(coded('0A000', 'cached plan must not change result type'));
    expect(failure).toBeInstanceOf(DatabaseUnavailable);
  });
});

describe('a PostgreSQL that', () => {
  let server: PostgresDouble;
  let db: Database;
  afterEach(async () => {
    await server.goAway();
    await db.close().catch(() => undefined);
  });

  const garbage = (socket: Socket): void => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
  const afterwards = { connection: (socket: Socket): void => void socket.destroy() };

  /** For the first query, which is answered; others that are not answered end two seconds after this. */
  const SHORT_MS = 1_000;
  test.each<[string, Parameters<PostgresDouble['behave']>[0], number?]>([
    ['does not answer a query', { query: () => undefined }, SHORT_MS],
    ['closes the connection', { query: (socket) => socket.end() }],
    ['resets the connection', { query: (socket) => socket.resetAndDestroy() }],
    ['answers in another protocol', { query: garbage }, SHORT_MS],
    ['ends the session for being idle in a transaction', { query: (socket) => socket.end(fatal('25P03')) }],
    ['shuts down', { query: (socket) => socket.end(fatal('57P01')) }],
    ['closes each new connection', afterwards],
    ['refuses log-ins', { connection: (socket) => socket.once('data', () => socket.end(fatal('28P01'))) }],
    ['has no connection left', { connection: (socket) => socket.once('data', () => socket.end(fatal('53300'))) }],
  ])(
    '%s is an outage, for a statement and for a transaction',
    async (_, behaviour, statementTimeoutMs = PATIENCE_MS) => {
      server = await startPostgresDouble();
      db = await openPostgres({ url: server.url, maxConnections: 1, statementTimeoutMs }, silentLogger);
      server.behave(behaviour);
      // Drops the open connection.
      if (behaviour === afterwards) await db.query('select 1').catch(() => undefined);
      const failed = await Promise.all([
        db.query('select 1').catch((thrown: unknown) => thrown),
        db.transaction((tx) => tx.query('select 1')).catch((thrown: unknown) => thrown),
      ]);
      expect(failed.map((thrown) => [thrown instanceof Error, isDatabaseOutage(thrown)])).toEqual([
        [true, true],
        [true, true],
      ]);
    },
  );

  test('has stopped is an outage; an error that a transaction itself throws is not', async () => {
    server = await startPostgresDouble();
    db = await openPostgres({ url: server.url, maxConnections: 1, statementTimeoutMs: PATIENCE_MS }, silentLogger);
    await server.goAway();
    const lost = await db.query('select 1').catch((thrown: unknown) => thrown);
    expect(isDatabaseOutage(lost)).toBe(true);
    await db.close();
    const ended = await db.transaction((tx) => tx.query('select 1')).catch((thrown: unknown) => thrown);
    expect(ended).toBeInstanceOf(DatabaseUnavailable);
  });
});

describe('an embedded database', () => {
  test(
    'that is closed is an outage; a wrong statement, and an error ' + 'that a transaction itself throws, are not',
    async () => {
      const db = await openPglite(undefined);
      const wrong = await db.query('select nothing').catch((thrown: unknown) => thrown);
      const bug = await db.transaction(() => Promise.reject(new TypeError('a bug'))).catch((thrown: unknown) => thrown);
      const unclonable = await db.query('select $1', [() => undefined]).catch((thrown: unknown) => thrown);
      expect([wrong, bug, unclonable].map(isDatabaseOutage)).toEqual([false, false, false]);
      await db.close();
      const closed = await Promise.race([db.query('select 1'), db.transaction((tx) => tx.query('select 1'))]).catch(
        (thrown: unknown) => thrown,
      );
      expect(isDatabaseOutage(closed)).toBe(true);
    },
  );
});
