import { expect, test } from '@jest/globals';

import { deleteIdentityHeaders } from '../../../src/api/identity/identity-headers.js';

/** As node gives them: in small letters. */
function left(names: readonly string[]): string[] {
  const headers = Object.fromEntries(names.map((name) => [name, 'x']));
  deleteIdentityHeaders(headers);
  return Object.keys(headers);
}

const WHO = ['user', 'project'].flatMap((what) =>
  ['id', 'name', 'domain-id', 'domain-name'].map((part) => `${what}-${part}`),
);
const OF_USERS = [
  'identity-status',
  ...WHO,
  'domain-id',
  'domain-name',
  'roles',
  'is-admin-project',
  'service-catalog',
];
const OLD = ['tenant', 'tenant-id', 'tenant-name', 'user', 'role'];

test.each([...OF_USERS, ...OLD].flatMap((name) => [`x-${name}`, `x_${name.replaceAll('-', '_')}`]))(
  '%s is deleted',
  (name) => {
    expect(left([name])).toEqual([]);
  },
);

test.each(OF_USERS.filter((name) => !name.startsWith('service-')).map((name) => `x-service-${name}`))(
  '%s is deleted',
  (name) => {
    expect(left([name])).toEqual([]);
  },
);

test('openstack-system-scope is deleted', () => {
  expect(left(['openstack-system-scope'])).toEqual([]);
});

test('credentials and everything else stay', () => {
  const others = [
    'x-auth-token',
    'x-service-token',
    'x-api-key',
    'authorization',
    'if-match',
    'content-type',
    'x-users',
  ];
  expect(left(others)).toEqual(others);
});
