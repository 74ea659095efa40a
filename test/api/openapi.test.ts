import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

import { OPERATION_NAMES } from '../../src/api/openapi/operation-names.js';
import { OPERATIONS } from '../../src/api/openapi/operations.js';
import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';

interface Operation {
  operationId: string;
  requestBody?: { content: { 'application/json': { schema: object } } };
}

const LEAF = {
  type: 'gnocchi_resources_threshold',
  metric: 'm',
  resource_id: 'r',
  resource_type: 't',
  aggregation_method: 'mean',
  threshold: 1,
};
const composite = (rule: unknown) => ({ name: 'c', type: 'composite', composite_rule: rule });

let db: Database;
let api: TestApi;
let document: {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
};

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
  document = (await api.ask('GET', '/openapi.json', { as: {} })).json();
});
afterAll(async () => {
  await api.close();
  await db.close();
});

test('the document has every route, and no other', () => {
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
  );
  expect(described.sort()).toEqual(Object.keys(OPERATIONS).sort());
  expect(document.openapi).toBe('3.1.0');
});

test('every operation has a name of its own, made of a verb and a noun', () => {
  expect(Object.keys(OPERATION_NAMES).sort()).toEqual(Object.keys(OPERATIONS).sort());
  const names = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(names.sort()).toEqual(Object.values(OPERATION_NAMES).sort());
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => !/^[a-z]+([A-Z][a-z]+)+$/.test(name))).toEqual([]);
});

test('every schema in it is a valid one, and every reference leads somewhere', () => {
  const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true }, schemas: [{ $id: 'doc', ...document }] });
  const references = JSON.stringify(document).match(/"#\/components\/schemas\/[^"]+"/g) ?? [];
  expect(references.length).toBeGreaterThan(10);
  for (const reference of new Set(references)) expect(ajv.getSchema(`doc${reference.slice(1, -1)}`)).toBeDefined();
  for (const methods of Object.values(document.paths)) {
    for (const { requestBody } of Object.values(methods)) {
      if (requestBody) expect(ajv.validateSchema(requestBody.content['application/json'].schema)).toBe(true);
    }
  }
});

describe('the body of POST /v2/alarms', () => {
  let valid: ValidateFunction;
  beforeAll(() => {
    const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true }, schemas: [{ $id: 'doc', ...document }] });
    valid = ajv.compile({ $ref: 'doc#/paths/~1v2~1alarms/post/requestBody/content/application~1json/schema' });
  });

  test.each([
    { what: 'a good alarm', body: thresholdBody() },
    {
      what: 'nulls where nothing is set',
      body: thresholdBody({ description: null, alarm_actions: null, project_id: null }),
    },
    { what: 'no name', body: { ...thresholdBody(), name: undefined } },
    { what: 'an unknown attribute', body: thresholdBody({ zzz: 1 }) },
    { what: 'a rule without a threshold', body: thresholdBody({ threshold_rule: { meter_name: 'cpu' } }) },
    {
      what: 'too many periods',
      body: thresholdBody({ threshold_rule: { meter_name: 'cpu', threshold: 1, evaluation_periods: 101 } }),
    },
    {
      what: 'a nested composite rule',
      body: composite({ or: [LEAF, { and: [LEAF, { ...LEAF, granularity: null }] }] }),
    },
    { what: 'a composite rule of one leaf', body: composite(LEAF) },
    { what: 'an unknown operator in a composite rule', body: composite({ xor: [LEAF, LEAF] }) },
    { what: 'an unknown field in a leaf', body: composite({ or: [LEAF, { ...LEAF, zzz: 1 }] }) },
    { what: 'a leaf without its threshold', body: composite({ or: [LEAF, { type: 'prometheus', query: 'up' }] }) },
    {
      what: 'options in a leaf',
      body: composite({ or: [{ ...LEAF, tocsin: { datapoints_to_alarm: 1, ingestion_lag: 60 } }] }),
    },
    { what: 'no options in a leaf', body: composite({ or: [LEAF, { ...LEAF, tocsin: null }] }) },
    { what: 'an option in a leaf that there is not', body: composite({ or: [{ ...LEAF, tocsin: { muted: true } }] }) },
    {
      what: 'an option in a leaf out of bounds',
      body: composite({ or: [{ ...LEAF, tocsin: { ingestion_lag: -1 } }] }),
    },
    { what: 'an unknown severity', body: thresholdBody({ severity: 'urgent' }) },
  ])('with $what is accepted or refused by the document as by the service', async ({ body }) => {
    const sent: unknown = JSON.parse(JSON.stringify(body));
    expect(valid(sent)).toBe((await api.ask('POST', '/v2/alarms', { as: MEMBER, body: sent })).status !== 400);
  });
});

describe('the page', () => {
  test('takes everything from here, also under its own policy', async () => {
    const page = await api.ask('GET', '/docs', { as: {} });
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
    const loaded = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address);
    expect(loaded).toContain('/docs/swagger-ui-bundle.js');
    for (const address of loaded) {
      expect(address).toMatch(/^\//);
      const part = await api.ask('GET', address, { as: {} });
      expect([address, part.status]).toEqual([address, 200]);
    }
  });

  test('gives no other files', async () => {
    for (const file of ['package.json', '..%2Fpackage.json', 'constructor']) {
      expect((await api.ask('GET', `/docs/${file}`, { as: {} })).status).toBe(404);
    }
  });
});
