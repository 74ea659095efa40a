import { createHash, randomBytes } from 'node:crypto';

/**
 * The parts of a key, `ak_<id>_<secret>`. The id may be shown and names the key; the secret is known to its holder
 * alone.
 */
export interface ApiKeyParts {
  id: string;
  secretHash: string;
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 12;
const SECRET_BYTES = 32;
const FORM = /^ak_([a-z2-7]{12})_([A-Za-z0-9_-]{43})$/;

/** A new key: its text, which is shown once, and what is kept of it. */
export function generateApiKey(): ApiKeyParts & { key: string } {
  const id = [...randomBytes(ID_LENGTH)].map((byte) => BASE32[byte % BASE32.length]).join('');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { id, secretHash: hashOf(secret), key: `ak_${id}_${secret}` };
}

/** Undefined for what has not the form of a key. */
export function parseApiKey(text: string): ApiKeyParts | undefined {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secretHash: hashOf(secret) };
}

/** The secret is 256 random bits, so one round of a plain hash is all it needs. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
