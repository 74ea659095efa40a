import { createHash, hkdfSync, randomBytes } from 'node:crypto';

import { createSealer, KEY_BYTES, type SecretLocation } from '../../storage/secrets/sealed.js';

/** The credential with which a session began, in the header in which its requests present it. */
export interface SessionCredential {
  header: 'x-api-key' | 'x-auth-token';
  value: string;
}

const SECRET_BYTES = 32;
/** The prefix lets the log recognise and mask the secret. */
const FORM = /^ses_([A-Za-z0-9_-]{43})$/;

/** Makes the value of a session's cookie. */
export function generateSessionSecret(): string {
  return `ses_${randomBytes(SECRET_BYTES).toString('base64url')}`;
}

/** True for text that has the form of the cookie's value. */
export function isSessionSecret(text: string): boolean {
  return FORM.test(text);
}

/** Returns the id under which the session is stored, from which the secret cannot be derived. */
export function sessionIdOf(secret: string): string {
  return createHash('sha256').update(bytesOf(secret)).digest('hex');
}

/** Encrypts a credential so that only the holder of the secret can decrypt it. The service stores no key for it. */
export function sealCredential(secret: string, { header, value }: SessionCredential): string {
  return sealerOf(secret).seal(`${header} ${value}`, placeOf(secret));
}

/** Decrypts the credential. @throws Error if it was sealed for another session, or changed. */
export function openCredential(secret: string, sealed: string): SessionCredential {
  const [header, value = ''] = sealerOf(secret).open(sealed, placeOf(secret)).split(' ', 2);
  return { header: header as SessionCredential['header'], value };
}

/** The key is derived by HKDF and not by the hash that is the id, so the id does not give the key. */
function sealerOf(secret: string) {
  const key = Buffer.from(hkdfSync('sha256', bytesOf(secret), '', 'tocsin session credential', KEY_BYTES));
  return createSealer({ current: key, previous: [] });
}

function placeOf(secret: string): SecretLocation {
  return { table: 'sessions', rowId: sessionIdOf(secret), projectId: null };
}

function bytesOf(secret: string): Buffer {
  return Buffer.from(FORM.exec(secret)?.[1] ?? '', 'base64url');
}
