import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { Database, Sql } from '../../src/storage/database.js';
import { asDatabaseFailure, asUnknownOutcome } from '../../src/storage/engine/outage.js';
import { ADMIN, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';

const failure = (message: string, code?: string): Error => Object.assign(new Error(message), code && { code });
const state = (code: string, message = `the server says ${code}`): [string, Error] => [code, failure(message, code)];

const FAILURES: [string, Error][] = [
  state('08006'),
  state('08P01'),
  state('25006', 'cannot execute INSERT in a read-only transaction'),
  state('25P03'),
  state('28P01'),
  state('3D000'),
  state('40001'),
  state('40P01'),
  state('42501'),
  state('53100', 'could not extend file: No space left on device'),
  state('53200'),
  state('53300'),
  state('55P03'),
  state('57014'),
  state('57P01'),
  state('57P03'),
  state('58030'),
  state('XX000', 'could not write init file'),
  state('XX001'),
  ['a query without an answer', failure('Query read timeout')],
  ['a client that is gone', failure('Client has encountered a connection error and is not queryable')],
  ['a connection that ends', failure('Connection terminated unexpectedly')],
  ['a pool without a free connection', failure('timeout exceeded when trying to connect')],
  ['a refused connection', failure('connect ECONNREFUSED', 'ECONNREFUSED')],
  ['a reset connection', failure('read ECONNRESET', 'ECONNRESET')],
  ['a crash of the embedded database', Object.assign(failure('unreachable'), { name: 'RuntimeError' })],
];

const FAULTS: [string, Error][] = [
  state('22P02'),
  state('23505'),
  state('42703'),
  state('54000'),
  ['a TypeError', new TypeError('x is not a function')],
];

/** The database under test, which fails at the statements that match. */
let failing: { at: RegExp; thrown: () => Error } | undefined;

function refuseIfFailing(text: string): void {
  if (failing?.at.test(text)) throw failing.thrown();
}

function failingDatabase(db: Database): Database {
  const wrapped = (sql: Sql): Sql => ({
    async query(text, parameters, options) {
      refuseIfFailing(text);
      return sql.query(text, parameters, options);
    },
  });
  return {
    ...wrapped(db),
    kind: db.kind,
    place: db.place,
    async transaction(work) {
      refuseIfFailing('begin');
      return db.transaction(async (tx) => {
        const result = await work(wrapped(tx));
        refuseIfFailing('commit');
        return result;
      });
    },
    close: () => db.close(),
  };
}

let db: Database;
let api: TestApi;
let id: string;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(failingDatabase(db));
  id = await api.create(thresholdBody());
});
afterAll(async () => {
  failing = undefined;
  await api.close();
  await db.close();
});

/** A request of each method, with a statement of its own and the last one that it executes. */
const REQUESTS: Record<string, { send: () => ReturnType<TestApi['ask']>; at: RegExp[] }> = {
  GET: { send: () => api.ask('GET', `/v2/alarms/${id}`), at: [/^\s*select/i] },
  'GET below /v1': { send: () => api.ask('GET', '/v1/alarms'), at: [/from alarms/] },
  POST: { send: () => api.ask('POST', '/v2/alarms', { body: thresholdBody() }), at: [/insert into alarms/] },
  PUT: {
    send: () => api.ask('PUT', `/v2/alarms/${id}`, { body: thresholdBody({ description: 'new' }) }),
    at: [/^begin/, /update alarms/, /^commit/],
  },
  DELETE: { send: () => api.ask('DELETE', `/v2/alarms/${id}`), at: [/^begin/, /update alarms/, /^commit/] },
  'PUT below /v1': {
    send: () => api.ask('PUT', '/v1/delivery-pauses/p1', { as: ADMIN, body: {} }),
    at: [/insert into delivery_pauses/],
  },
};

const CASES = Object.entries(REQUESTS).flatMap(([name, { send, at }]) => at.map((one) => ({ name, send, at: one })));

describe.each(FAILURES)('while the database fails with %s', (_, thrown) => {
  test.each(CASES)('$name is answered 503 with what to do, at $at', async ({ name, send, at }) => {
    failing = { at, thrown: () => asDatabaseFailure(thrown) };
    const answer = await send();
    expect(answer.status).toBe(503);
    expect(answer.fault).toMatch(/^The database .*(later|shorter)/);
    // aodhclient cannot read an answer with the header.
    expect(answer.headers['retry-after']).toBe(name.endsWith('/v1') ? '5' : undefined);
  });
});

describe.each(FAULTS)('while a statement fails with %s, a fault of this service', (_, thrown) => {
  test.each(CASES)('$name is answered 500, at $at', async ({ send, at }) => {
    failing = { at, thrown: () => asDatabaseFailure(thrown) };
    const answer = await send();
    expect([answer.status, answer.fault]).toEqual([500, expect.stringMatching(/^Internal server error/)]);
  });
});

test.each(CASES.filter(({ name }) => !name.startsWith('GET')))(
  '$name whose change may have been made says so, at $at',
  async ({ send, at }) => {
    failing = { at, thrown: () => asUnknownOutcome(failure('Query read timeout')) };
    const answer = await send();
    expect([answer.status, answer.fault]).toEqual([503, expect.stringContaining('may or may not have been made')]);
  },
);

test('the audit trail does not say of a change that may have been made that it failed', async () => {
  failing = { at: /^commit/, thrown: () => asUnknownOutcome(failure('Query read timeout')) };
  await api.ask('DELETE', `/v2/alarms/${id}`);
  failing = undefined;
  const trail = await api.ask('GET', '/v1/audit?outcome=unknown&action=alarm.delete');
  expect(trail.json<unknown[]>()[0]).toMatchObject({ object_id: id, status: 503 });
});

test('after the failures everything works again', async () => {
  failing = undefined;
  const answers = [await api.ask('GET', `/v2/alarms/${id}`), await api.ask('DELETE', `/v2/alarms/${id}`)];
  expect(answers.map(({ status }) => status)).toEqual([200, 204]);
});
