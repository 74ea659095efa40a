import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { ALARM_KINDS } from '../../src/alarm/types/index.js';
import type { Database } from '../../src/storage/database.js';
import { combinationBody, MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';

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

const KIB = 1024;
const JSON_TYPE = { 'content-type': 'application/json' };

/** Aodh's sentence for one field. */
function invalid(field: string, value: string, message: string): string {
  return `Invalid input for field/attribute ${field}. Value: '${value}'. ${message}`;
}

function withRule(fields: Record<string, unknown>): Record<string, unknown> {
  return thresholdBody({ threshold_rule: { meter_name: 'cpu', threshold: 80, ...fields } });
}

function withConstraint(fields: Record<string, unknown>): Record<string, unknown> {
  return thresholdBody({ time_constraints: [{ name: 'n', start: '0 0 * * *', duration: 60, ...fields }] });
}

const MISSING = 'Mandatory field missing.';
const wrongType = (got: string): string => `Wrong type. Expected '<class 'str'>', got '<class '${got}'>'`;

describe('a body is refused', () => {
  test.each<[string, unknown, string]>([
    ['unknown attribute', thresholdBody({ zzz: 1 }), 'Unknown attribute for argument data: zzz'],
    ['two unknown attributes', thresholdBody({ zzz: 1, yyy: 2 }), 'Unknown attributes for argument data: zzz, yyy'],
    ['unknown before wrong', { zzz: 1, name: 3 }, 'Unknown attribute for argument data: zzz'],
    ['unknown in the rule', withRule({ x: 1 }), 'Unknown attribute for argument data.threshold_rule: x'],
    [
      'unknown in a condition',
      withRule({ query: [{ field: 'user', value: 'u', zz: 1 }] }),
      'Unknown attribute for argument data.threshold_rule.query: zz',
    ],
    [
      'text for a constraint',
      thresholdBody({ time_constraints: ['n'] }),
      invalid('time_constraints', "['n']", 'Wrong type. Expected an object, got string'),
    ],
    ['unknown in a constraint', withConstraint({ zz: 1 }), 'Unknown attribute for argument data.time_constraints: zz'],
    ['a rule of no kind', thresholdBody({ zz_rule: {} }), 'Unknown attribute for argument data: zz_rule'],
    ['no name', thresholdBody({ name: undefined }), invalid('name', 'None', MISSING)],
    ['null for a name', thresholdBody({ name: null }), invalid('name', 'None', MISSING)],
    ['no type', thresholdBody({ type: undefined }), invalid('type', 'None', MISSING)],
    ['number for text', thresholdBody({ name: 1 }), invalid('name', '1', wrongType('int'))],
    ['float for text', thresholdBody({ name: 1.5 }), invalid('name', '1.5', wrongType('float'))],
    ['list for text', thresholdBody({ description: ['x'] }), invalid('description', "['x']", wrongType('list'))],
    ['object for text', thresholdBody({ user_id: {} }), invalid('user_id', '{}', wrongType('dict'))],
    ['bool for text', thresholdBody({ project_id: true }), invalid('project_id', 'True', wrongType('bool'))],
    [
      'long name',
      thresholdBody({ name: 'x'.repeat(256) }),
      invalid('name', `${'x'.repeat(200)}…`, 'Value should have a maximum character requirement of 255'),
    ],
    [
      'control character',
      thresholdBody({ name: 'a\u0007' }),
      invalid('name', 'a\u0007', 'Value should not contain control characters'),
    ],
    [
      'unknown severity',
      thresholdBody({ severity: 'urgent' }),
      invalid('severity', 'urgent', 'Value should be one of: low, moderate, critical'),
    ],
    [
      'unknown state',
      thresholdBody({ state: 'OK' }),
      invalid('state', 'OK', 'Value should be one of: ok, alarm, insufficient data'),
    ],
    [
      'unknown type',
      thresholdBody({ type: 'zzz' }),
      invalid('type', 'zzz', `Value should be one of: ${ALARM_KINDS.join(', ')}`),
    ],
    [
      'ambiguous boolean',
      thresholdBody({ enabled: 'maybe' }),
      invalid('enabled', 'maybe', 'Value not an unambiguous boolean: maybe'),
    ],
    [
      'boolean in capitals',
      thresholdBody({ repeat_actions: 'False' }),
      invalid('repeat_actions', 'False', 'Value not an unambiguous boolean: False'),
    ],
    ['bad moment', thresholdBody({ timestamp: 'soon' }), invalid('timestamp', 'soon', 'Unknown string format: soon')],
    ['no rule', thresholdBody({ threshold_rule: undefined }), 'threshold_rule must be set for threshold type alarm'],
    [
      'null for the rule',
      thresholdBody({ threshold_rule: null }),
      'threshold_rule must be set for threshold type alarm',
    ],
    [
      'only another rule',
      combinationBody(['a', 'b'], { type: 'threshold' }),
      'threshold_rule must be set for threshold type alarm',
    ],
    [
      'two rules',
      thresholdBody({ combination_rule: { alarm_ids: ['a', 'b'] } }),
      'combination_rule and threshold_rule cannot be set at the same time',
    ],
    [
      'three rules',
      thresholdBody({ prometheus_rule: { query: 'up', threshold: 1 }, event_rule: {} }),
      'event_rule and prometheus_rule cannot be set at the same time',
    ],
    [
      'list for the rule',
      thresholdBody({ threshold_rule: [] }),
      invalid('threshold_rule', '[]', 'Wrong type. Expected an object, got a list'),
    ],
    [
      'bad policy',
      thresholdBody({ tocsin: { delivery_policy: 'x' } }),
      invalid('delivery_policy', 'x', 'Value should be one of: current, every'),
    ],
    ['bad addition of ours', thresholdBody({ tocsin: { x: 1 } }), 'Unknown attribute for argument data.tocsin: x'],
  ])('for %s', async (_, body, fault) => {
    const answer = await api.ask('POST', '/v2/alarms', { body });
    expect([answer.fault, answer.status]).toEqual([fault, 400]);
    expect(answer.text).toMatch(
      /^\{"error_message": \{"faultcode": "Client", "faultstring": ".+", "debuginfo": null\}\}$/,
    );
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['no threshold', { threshold: undefined }, invalid('threshold', 'None', MISSING)],
    ['null threshold', { threshold: null }, invalid('threshold', 'None', MISSING)],
    ['no meter', { meter_name: undefined }, invalid('meter_name', 'None', MISSING)],
    ['text for a float', { threshold: 'x' }, invalid('threshold', 'x', "could not convert string to float: 'x'")],
    ['infinity', { threshold: '1e999' }, invalid('threshold', '1e999', 'Value should be a finite number')],
    [
      'operator',
      { comparison_operator: '>' },
      invalid('comparison_operator', '>', 'Value should be one of: lt, le, eq, ne, ge, gt'),
    ],
    [
      'statistic',
      { statistic: 'stddev' },
      invalid('statistic', 'stddev', 'Value should be one of: max, min, avg, sum, count'),
    ],
    ['period 0', { period: 0 }, invalid('period', '0', 'Value should be greater or equal to 1')],
    [
      'period too long',
      { period: 31_536_001 },
      invalid('period', '31536001', 'Value should be lower or equal to 31536000'),
    ],
    ['text for a period', { period: 'x' }, invalid('period', 'x', "invalid literal for int() with base 10: 'x'")],
    [
      'no periods',
      { evaluation_periods: 0 },
      invalid('evaluation_periods', '0', 'Value should be greater or equal to 1'),
    ],
    [
      'too many periods',
      { evaluation_periods: 101 },
      invalid('evaluation_periods', '101', 'Value should be lower or equal to 100'),
    ],
    ['text for conditions', { query: 'x' }, invalid('query', 'x', 'Value not a valid list: x')],
    ['unknown field', { query: [{ field: 'zz', value: 'x' }] }, 'Unknown argument: "zz": unrecognized field in query'],
    [
      'timestamp',
      { query: [{ field: 'timestamp', value: 'x' }] },
      'Unknown argument: "timestamp": not valid for this resource',
    ],
    [
      'comparison',
      { query: [{ field: 'user', op: 'gt', value: 'x' }] },
      invalid('op', 'gt', 'unimplemented operator for user'),
    ],
    ['number for a value', { query: [{ field: 'user', value: 1 }] }, invalid('value', '1', wrongType('int'))],
    [
      'unconvertible value',
      { query: [{ field: 'metadata.size', value: 'x', type: 'integer' }] },
      'Unable to convert the value x to the expected data type integer.',
    ],
    [
      'unknown type of value',
      { query: [{ field: 'user', value: 'x', type: 'zz' }] },
      'The data type zz is not supported. The supported data type list is: ' +
        "['integer', 'float', 'string', 'boolean', 'datetime']",
    ],
  ])('for a threshold rule with %s', async (_, fields, fault) => {
    const answer = await api.ask('POST', '/v2/alarms', { body: withRule(fields) });
    expect([answer.fault, answer.status]).toEqual([fault, 400]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    [
      'four columns',
      { start: '0 0 * *' },
      invalid('start', '0 0 * *', 'Exactly 5 or 6 columns has to be specified for iterator expression.'),
    ],
    [
      'a word',
      { start: 'bad' },
      invalid('start', 'bad', 'Exactly 5 or 6 columns has to be specified for iterator expression.'),
    ],
    [
      'hour 25',
      { start: '0 25 * * *' },
      invalid('start', '0 25 * * *', '[0 25 * * *] is not acceptable, out of range'),
    ],
    ['@reboot', { start: '@reboot' }, invalid('start', '@reboot', '[@reboot] is not acceptable')],
    ['no start', { start: undefined }, invalid('start', 'None', MISSING)],
    ['time zone', { timezone: 'Mars/X' }, 'Timezone Mars/X is not valid'],
    ['negative duration', { duration: -1 }, invalid('duration', '-1', 'Value should be greater or equal to 0')],
    ['no duration', { duration: undefined }, invalid('duration', 'None', MISSING)],
  ])('for a time constraint with %s', async (_, fields, fault) => {
    const answer = await api.ask('POST', '/v2/alarms', { body: withConstraint(fields) });
    expect([answer.fault, answer.status]).toEqual([fault, 400]);
  });

  test('for two time constraints of one name', async () => {
    const constraint = { name: 'n', start: '0 0 * * *', duration: 60 };
    const answer = await api.ask('POST', '/v2/alarms', {
      body: thresholdBody({ time_constraints: [constraint, constraint] }),
    });
    expect([answer.status, answer.fault]).toEqual([400, 'Time constraint names must be unique for a given alarm.']);
  });

  test.each<[string, string, number, string]>([
    ['malformed', '{"name": ', 400, 'Request is not in valid JSON format'],
    ['no UTF-8', '\u00ff', 400, 'Request is not in valid JSON format'],
    ['empty', '', 400, 'Missing argument: "data"'],
    ['a list', '[]', 400, invalid('data', '[]', 'Wrong type. Expected an object, got a list')],
    ['a string', '"x"', 400, invalid('data', 'x', 'Wrong type. Expected an object, got string')],
    ['null', 'null', 400, invalid('data', 'None', 'Wrong type. Expected an object, got None')],
    ['__proto__', '{"__proto__": {"name": "x"}}', 400, 'Unknown attribute for argument data: __proto__'],
    ['constructor', '{"name": "x", "constructor": {}}', 400, 'Unknown attribute for argument data: constructor'],
    ['NUL', '{"name": "\\u0000"}', 400, 'Request contains characters that cannot be stored: name'],
    ['half a character', '{"name": "\\ud800"}', 400, 'Request contains characters that cannot be stored: name'],
    ['too deep', `${'['.repeat(17)}${']'.repeat(17)}`, 400, 'Request is nested deeper than 16 levels'],
    ['too many values', JSON.stringify(Array(5_000).fill(1)), 400, 'Request has more than 5000 values'],
    ['too large', `"${'x'.repeat(64 * KIB)}"`, 413, 'The request body is larger than 65536 bytes'],
  ])('that is %s', async (name, raw, status, fault) => {
    const content = name === 'no UTF-8' ? Buffer.from(raw, 'latin1') : raw;
    const answer = await api.ask('POST', '/v2/alarms', { raw: content });
    expect([answer.fault, answer.status]).toEqual([fault, status]);
  });

  test.each<[Record<string, string>, string]>([
    [{ 'content-type': 'text/plain' }, 'Unknown mimetype: text/plain'],
    [{ 'content-type': 'application/xml; charset=utf-8' }, 'Unknown mimetype: application/xml'],
    [{ 'content-type': 'application/json; charset=latin1' }, 'Unsupported charset: latin1'],
    [{ ...JSON_TYPE, 'content-encoding': 'gzip' }, 'Compressed request bodies are not supported'],
  ])('with %j', async (headers, fault) => {
    const answer = await api.ask('POST', '/v2/alarms', { raw: '{}', headers });
    expect([answer.status, answer.fault]).toEqual([415, fault]);
  });
});

describe('coercion', () => {
  test.each<[Record<string, unknown>, Record<string, unknown>]>([
    [{ enabled: 0 }, { enabled: false }],
    [
      { enabled: 'yes', repeat_actions: 'on' },
      { enabled: true, repeat_actions: true },
    ],
    [
      { severity: null, state: null, description: null, enabled: null },
      { severity: 'low', state: 'insufficient data', enabled: true },
    ],
    [{ time_constraints: null }, { time_constraints: [] }],
    [
      { time_constraints: [{ name: 'n', start: '0 0 31 2 *', duration: '300', timezone: 'Europe/Madrid' }] },
      {
        time_constraints: [
          {
            name: 'n',
            description: 'Time constraint at 0 0 31 2 * lasting for 300 seconds',
            start: '0 0 31 2 *',
            duration: 300,
            timezone: 'Europe/Madrid',
          },
        ],
      },
    ],
    [{ timestamp: '2015-01-01 10:00:00+02:00' }, {}],
    [{ name: 'Alarm für 東京 🚨' }, { name: 'Alarm für 東京 🚨' }],
  ])('of %j gives %j', async (given, expected) => {
    const answer = await api.ask('POST', '/v2/alarms', {
      body: thresholdBody(given),
      headers: { 'content-type': 'application/json; charset=UTF-8' },
    });
    expect(answer.status).toBe(201);
    expect(answer.json()).toMatchObject(expected);
  });

  test('of numbers in a rule follows their types', async () => {
    const rule = {
      meter_name: 'm',
      threshold: '8',
      period: '60',
      evaluation_periods: 2.7,
      comparison_operator: null,
      exclude_outliers: 't',
    };
    const answer = await api.ask('POST', '/v2/alarms', { body: thresholdBody({ threshold_rule: rule }) });
    expect(answer.text).toContain(
      '"threshold_rule": {"period": 60, "comparison_operator": "eq", "threshold": 8.0, "statistic": "avg", ' +
        '"evaluation_periods": 2, "meter_name": "m", "exclude_outliers": true, "query": []}',
    );
  });
});

describe('a request is refused', () => {
  test.each<[string, string, number, string]>([
    ['GET', '/v2/alarms/x?bogus=1', 400, 'Unknown argument: "bogus"'],
    ['POST', '/v2/alarms?bogus=1', 400, 'Unknown argument: "bogus"'],
    ['DELETE', '/v2/alarms/x?q.field=name', 400, 'Unknown argument: "q.field"'],
    ['GET', '/v2/meters?bogus', 400, 'Unknown argument: "bogus"'],
    ['GET', '/v2/alarms/a%00b', 404, '404 Not Found\n\nThe resource could not be found.\n\n   '],
    ['GET', '/v2/alarms/%zz', 400, 'The request could not be understood'],
    ['GET', '/v2/alarms?marker=a%00b', 400, invalid('marker', 'a\0b', 'Value should not contain control characters')],
    ['GET', '/v2', 404, '404 Not Found\n\nThe resource could not be found.\n\n   '],
    ['GET', '/nope', 404, '404 Not Found\n\nThe resource could not be found.\n\n   '],
    [
      'DELETE',
      '/v2/alarms/x/state',
      405,
      '405 Method Not Allowed\n\nThe method DELETE is not allowed for this resource. \n\n ',
    ],
    ['PATCH', '/v2/alarms', 405, '405 Method Not Allowed\n\nThe method PATCH is not allowed for this resource. \n\n '],
    ['PUT', '/v2/alarms/x/state', 400, 'Missing argument: "state"'],
    ['POST', '/v2/meters/m', 400, 'Missing argument: "samples"'],
  ])('%s %s', async (method, path, status, fault) => {
    const answer = await api.ask(method, path);
    expect([answer.status, answer.fault]).toEqual([status, fault]);
  });

  test('lists the allowed methods in Allow', async () => {
    expect((await api.ask('PATCH', '/v2/alarms')).headers['allow']).toBe('GET, POST');
  });

  test('for its body before its alarm is read', async () => {
    const answer = await api.ask('PUT', '/v2/alarms/nope/state', { as: MEMBER, body: 'nonsense' });
    expect([answer.status, answer.fault]).toEqual([400, 'state invalid']);
  });
});
