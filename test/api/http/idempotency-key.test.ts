import { expect, test } from '@jest/globals';

import { requestKey, type KeyedRequest } from '../../../src/api/http/idempotency-key.js';
import type { Identity } from '../../../src/api/identity/identity.js';

const ROUTE = { method: 'POST', path: '/v2/alarms', keyed: 'transaction' } as const;
const CALLER: Identity = { userId: 'u1', projectId: 'p1', role: 'admin', token: 'one', roleNames: ['admin'] };

function keyOf(identity: Identity, { url = '/v2/alarms', body = '{}' } = {}): ReturnType<typeof requestKey> {
  const request: KeyedRequest['request'] = { url, headersDistinct: { 'idempotency-key': ['k'] } };
  return requestKey(ROUTE, { request, identity, body: Buffer.from(body) });
}

test.each<[string, Partial<Identity>]>([
  ['another token of Keystone', { token: 'two' }],
  ['an API key', { apiKey: { id: 'k1', allProjects: true } }],
  ['other names of roles', { roleNames: ['member', 'admin'] }],
  ['a session', { session: { id: 's', endsAt: new Date(0) } }],
])('a repeat with %s is the same request', (_, fields) => {
  expect(keyOf({ ...CALLER, ...fields })).toEqual(keyOf(CALLER));
});

test.each<[string, Partial<Identity>, { url?: string; body?: string }]>([
  ['another role', { role: 'member' }, {}],
  ['the rights of an admin of one project', { isBoundToProject: true }, {}],
  ['another query', {}, { url: '/v2/alarms?a=b' }],
  ['another body', {}, { body: '{ }' }],
])('a repeat with %s is another request with the same key', (_, fields, given) => {
  const [first, other] = [keyOf(CALLER), keyOf({ ...CALLER, ...fields }, given)];
  expect(other?.id).toEqual(first?.id);
  expect(other?.hash).not.toBe(first?.hash);
});
