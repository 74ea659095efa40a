import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, type Answered, type TestApi } from '../support/api.js';
import { anyCharacter } from '../support/any-character.js';
import { anyDatabase } from '../support/databases.js';
import { ALARM_BODIES, EVENT_BODY, FILTERS, pathsIn, QUOTA_BODY, withAt } from '../support/request-bodies.js';

/**
 * Together with the random bodies beside this file, some 4,000 requests, others at each run: none may be a fault of
 * ours, each refusal must say what it is about.
 */
const RUNS = { alarms: 1_500, events: 300, quotas: 150, queries: 600 };

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const awkward = fc.oneof(
  fc.constantFrom<unknown>(
    null, true, -1, 0, 1.5, 1e308, 5e-324, 2 ** 53, 1e21, '', 'x', '\0', '\ud800', '1e999', 'NaN', ' 5 ', [],
    [null], [[]], {}, { a: 1 },
    '9999-12-31T23:59:59.999999Z', '2026-02-30', 'http://[::1', 'queue://x', 'trust+http://a@b', '* * * * *',
    '0 0 31 2 *', '{"a": ', '[',
  ), // prettier-ignore
  fc.jsonValue({ maxDepth: 4 }),
  fc.string({ unit: anyCharacter, maxLength: 30 }),
  fc.constant('y'.repeat(5_000)),
);

interface Spoilt {
  body: unknown;
  path: readonly (string | number)[];
  /** Fields on the path to the invalid value, and the fields that should be there instead. */
  names: string[];
}

function spoilt(good: unknown): fc.Arbitrary<Spoilt> {
  const ways = pathsIn(good);
  return fc.tuple(fc.constantFrom(...ways), awkward).map(([path, wrong]) => ({
    path,
    names: namesIn(good, path),
    body: JSON.parse(JSON.stringify(withAt(good, path, wrong))) as unknown,
  }));
}

/** Texts of Aodh that show the value and not the field. They stay, since clients may search for them. */
const SHOWS_THE_VALUE =
  /^(Unsupported action|Unable to parse action|You are not authorized to create action|trust URL cannot|The data type .* is not supported|Unable to convert the value|Query value or traits invalid|Unknown argument: "|Threshold rules should be combined|type must be set in every rule|Unsupported sub-rule type|Invalid input composite rule|Not Authorized to access|Timezone .* is not valid|Time constraint names|The request body is nested|The request body has|The name .* is not allowed)/s;

function namesIn(good: unknown, path: readonly (string | number)[]): string[] {
  const ways = pathsIn(good).filter((way) => path.every((part, index) => way[index] === part));
  return [...new Set(ways.flat())].filter((part) => typeof part === 'string');
}

function expectNamed({ path, names }: Spoilt, { status, fault = '' }: Answered): void {
  expect(status).toBeLessThan(500);
  if (status < 400 || SHOWS_THE_VALUE.test(fault)) return;
  const named = names.some((name) => fault.includes(name));
  if (!named) throw new Error(`${path.join('.')} is at fault, and the answer does not say so: ${status} ${fault}`);
}

test('an alarm of any kind with one invalid field is refused with the name of that field', async () => {
  const property = fc.asyncProperty(
    fc.oneof(...ALARM_BODIES.map(spoilt)),
    fc.constantFrom(ADMIN, MEMBER),
    async (wrong, as) => {
      expectNamed(wrong, await api.ask('POST', '/v2/alarms', { as, body: wrong.body }));
    },
  );
  await fc.assert(property, { numRuns: RUNS.alarms });
});

test('so is an event, and a quota', async () => {
  const events = fc.asyncProperty(spoilt(EVENT_BODY), async (wrong) => {
    expectNamed(wrong, await api.ask('POST', '/v2/events', { as: ADMIN, body: wrong.body }));
  });
  await fc.assert(events, { numRuns: RUNS.events });
  const quotas = fc.asyncProperty(spoilt(QUOTA_BODY), async (wrong) => {
    expectNamed(wrong, await api.ask('POST', '/v2/quotas', { as: ADMIN, body: wrong.body }));
  });
  await fc.assert(quotas, { numRuns: RUNS.quotas });
});

test('random complex queries are answered or refused', async () => {
  const filters = fc.oneof(
    fc.constantFrom(...FILTERS).chain((text) => spoilt(JSON.parse(text)).map(({ body }) => JSON.stringify(body))),
    fc.json({ maxDepth: 5 }),
    fc.string({ unit: anyCharacter }),
  );
  const bodies = fc.record(
    {
      filter: fc.oneof(filters, awkward),
      orderby: fc.oneof(fc.constantFrom('[{"name": "asc"}]', '[{"severity": "DESC"}, {"alarm_id": "asc"}]'), awkward),
      limit: awkward,
    },
    { requiredKeys: [] },
  );
  const property = fc.asyncProperty(
    bodies,
    fc.constantFrom('/v2/query/alarms', '/v2/query/alarms/history'),
    fc.constantFrom(ADMIN, MEMBER),
    async (body, path, as) => {
      const answer = await api.ask('POST', path, { as, body });
      expect([answer.status < 500, answer.status < 400 || answer.fault !== '']).toEqual([true, true]);
    },
  );
  await fc.assert(property, { numRuns: RUNS.queries });
});
