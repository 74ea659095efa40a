import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';

import { ALARM_KINDS } from '../../src/alarm/types/index.js';
import { ANSWER_EXAMPLES } from '../../src/api/openapi/answer-examples.js';
import { REQUEST_EXAMPLES } from '../../src/api/openapi/request-examples.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';

/** Each example of /openapi.json is true: requests are accepted as shown, answers are as the schemas say. */

interface Content {
  'application/json'?: { schema: object; examples?: Record<string, { summary: string; value: unknown }> };
}

interface DescribedOperation {
  operationId: string;
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
}

interface OpenApi {
  paths: Record<string, Record<string, DescribedOperation>>;
  webhooks: Record<string, Record<string, DescribedOperation>>;
}

interface Found {
  path: string;
  method: string;
  pointer: string;
  operation: DescribedOperation;
}

let db: Database;
let api: TestApi;
let document: OpenApi;
let operations: Found[];

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
  document = (await api.ask('GET', '/openapi.json')).json();
  operations = (['paths', 'webhooks'] as const).flatMap((part) =>
    Object.entries(document[part]).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => {
        const pointer = `doc#/${part}/${encodeURIComponent(path.replaceAll('/', '~1'))}/${method}`;
        return { path, method: method.toUpperCase(), pointer, operation };
      }),
    ),
  );
});
beforeEach(() => empty(db));
afterAll(() => api.close().then(() => db.close()));

function operationNamed(name: string): Found {
  const found = operations.find(({ operation }) => operation.operationId === name);
  if (!found) throw new Error(`/openapi.json has no operation ${name}`);
  return found;
}

const requestExamplesOf = ({ requestBody }: DescribedOperation): string[] =>
  Object.keys(requestBody?.content['application/json']?.examples ?? {});

/** The status of the documented success. */
const successOf = ({ responses }: DescribedOperation): string =>
  Object.keys(responses).find((status) => status.startsWith('2'))!;

/** What must exist before the example can be sent: parameters of the path by name. */
const withActions = thresholdBody({
  alarm_actions: ['http://r.example.com/a'],
  ok_actions: ['http://r.example.com/o'],
});
const aReceiver = async (): Promise<Record<string, string>> => {
  const { text } = await send('createReceiver', 'gateway', {});
  return { id: (JSON.parse(text) as { id: string }).id };
};
const GIVEN: Readonly<Record<string, () => Promise<Record<string, string>>>> = {
  createAlarm: async () => {
    await send('importAlarms', 'alarms', {}); // the members of the combination
    return {};
  },
  replaceAlarm: async () => ({ id: await api.create(thresholdBody()) }),
  setAlarmState: async () => ({ id: await api.create(thresholdBody()) }),
  testFireAlarm: async () => ({ id: await api.create(withActions) }),
  pauseDeliveries: async () => ({ project: 'p1' }),
  replaceSilence: async () => {
    const { text } = await send('createSilence', Object.keys(REQUEST_EXAMPLES['createSilence'] ?? {})[0] ?? '', {});
    return { id: (JSON.parse(text) as { id: string }).id };
  },
  replaceReceiver: aReceiver,
  createSigningSecret: aReceiver,
  createSamples: async () => ({ meter: 'cpu_util' }),
  activateImports: async () => {
    await send('importAlarms', 'alarms', {});
    return {};
  },
};

async function send(
  name: string,
  example: string,
  params: Record<string, string>,
): Promise<{ status: string; text: string }> {
  const { path, method, operation } = operationNamed(name);
  const body = operation.requestBody?.content['application/json']?.examples?.[example]?.value;
  const url = path.replace(/\{(\w+)\}/g, (_, parameter: string) => params[parameter] ?? '');
  const { status, text } = await api.ask(method, url, { as: ADMIN, body });
  return { status: String(status), text };
}

/** Operations that this API, which has no authentication, refuses. Their examples have tests of their own. */
const SENT_ELSEWHERE = new Set(['beginSession']);

const ROWS = Object.entries(REQUEST_EXAMPLES).flatMap(([name, examples]) =>
  Object.keys(examples).map((example) => [name, example] as const),
);

test('each operation with a body has examples, and the document has all that are written', () => {
  const withBody = operations.filter(({ path, operation }) => operation.requestBody && path.startsWith('/'));
  expect(withBody.filter(({ operation }) => requestExamplesOf(operation).length === 0)).toEqual([]);
  const shown = withBody.flatMap(({ operation }) =>
    requestExamplesOf(operation).map((example) => `${operation.operationId} ${example}`),
  );
  expect(shown.sort()).toEqual(ROWS.map(([name, example]) => `${name} ${example}`).sort());
});

test('each kind of alarm has an example', () => {
  const kinds = Object.values(REQUEST_EXAMPLES['createAlarm'] ?? {}).map(
    ({ value }) => (value as { type: string }).type,
  );
  expect([...new Set(kinds)].sort()).toEqual([...ALARM_KINDS].sort());
});

describe('an example of a request is accepted as shown', () => {
  test.each(ROWS.filter(([name]) => !SENT_ELSEWHERE.has(name)))('%s: %s', async (name, example) => {
    const { status, text } = await send(name, example, (await GIVEN[name]?.()) ?? {});
    expect([status, text]).toEqual([successOf(operationNamed(name).operation), expect.not.stringContaining('refused')]);
  });
});

describe('an example of an answer is as its schema says', () => {
  test.each(Object.keys(ANSWER_EXAMPLES))('%s', (name) => {
    const { pointer, operation } = operationNamed(name);
    const status = successOf(operation);
    const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true }, schemas: [{ $id: 'doc', ...document }] });
    const valid = ajv.compile({ $ref: `${pointer}/responses/${status}/content/application~1json/schema` });
    const examples = operation.responses[status]?.content?.['application/json']?.examples ?? {};
    expect(Object.keys(examples)).toEqual(['answer']);
    expect([valid(examples['answer']?.value), ajv.errorsText(valid.errors)]).toEqual([true, 'No errors']);
  });
});

test('the example of a webhook is as its schema says', () => {
  const { pointer, operation } = operationNamed('receiveNotification');
  const ajv = new Ajv2020({ strict: false, schemas: [{ $id: 'doc', ...document }] });
  const valid = ajv.compile({ $ref: `${pointer}/requestBody/content/application~1json/schema` });
  const examples = operation.requestBody?.content['application/json']?.examples ?? {};
  const values = Object.values(examples).map(({ value }) => value);
  expect(values.length).toBeGreaterThan(0);
  for (const value of values) expect([valid(value), ajv.errorsText(valid.errors)]).toEqual([true, 'No errors']);
});
