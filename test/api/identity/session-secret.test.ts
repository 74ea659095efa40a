import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';

import {
  generateSessionSecret,
  isSessionSecret,
  openCredential,
  sealCredential,
  sessionIdOf,
} from '../../../src/api/identity/session-secret.js';
import { maskSecrets } from '../../../src/logger.js';

const CREDENTIAL = { header: 'x-api-key', value: 'ak_of_a_user' } as const;

test('a secret is 32 random bytes, and its id is their SHA-256', () => {
  const [secret, other] = [generateSessionSecret(), generateSessionSecret()];
  expect(secret).not.toBe(other);
  const bytes = Buffer.from(secret.replace(/^ses_/, ''), 'base64url');
  expect(bytes).toHaveLength(32);
  expect(sessionIdOf(secret)).toBe(createHash('sha256').update(bytes).digest('hex'));
});

test('the credential is opened by its secret, and by no other', () => {
  const secret = generateSessionSecret();
  const sealed = sealCredential(secret, CREDENTIAL);
  expect(openCredential(secret, sealed)).toEqual(CREDENTIAL);
  expect(() => openCredential(generateSessionSecret(), sealed)).toThrow();
  expect(() => openCredential(secret, `${sealed.slice(0, -2)}AA`)).toThrow();
});

test('what is stored has neither the credential nor the key', () => {
  const secret = generateSessionSecret();
  const id = Buffer.from(sessionIdOf(secret), 'hex');
  const stored = sealCredential(secret, CREDENTIAL);
  expect(stored).not.toContain(CREDENTIAL.value);
  // The id is in the database, too: it is no key.
  expect(() => openCredential(`ses_${id.toString('base64url')}`, stored)).toThrow();
});

test.each(['', 'ses_', 'ses_short', `x${generateSessionSecret()}`, `${generateSessionSecret()}x`])(
  '%j does not have the form of a secret',
  (text) => expect(isSessionSecret(text)).toBe(false),
);

test('the log masks a secret', () => {
  const secret = generateSessionSecret();
  expect(maskSecrets(`cookie: tocsin-session=${secret}; a=b`)).toBe('cookie: tocsin-session=***; a=b');
});
