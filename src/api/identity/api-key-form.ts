import { createHash, randomBytes } from 'node:crypto';

/** The parts of a key, `ak_<id>_<secret>`. The id names the key in lists and logs. Only the holder knows the secret. */
export interface ApiKeyParts {
  id: string;
  secretHash: string;
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 12;
const SECRET_BYTES = 32;
const FORM = /^ak_([a-z2-7]{12})_([A-Za-z0-9_-]{43})$/;

/** Makes a key: its text, which is shown once, and the parts that are stored. */
export function generateApiKey(): ApiKeyParts & { key: string } {
  const id = [...randomBytes(ID_LENGTH)].map((byte) => BASE32[byte % BASE32.length]).join('');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { id, secretHash: hashOf(secret), key: `ak_${id}_${secret}` };
}

/** The parts of a key; undefined for text that does not have the form of a key. */
export function parseApiKey(text: string): ApiKeyParts | undefined {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secretHash: hashOf(secret) };
}

/** One round of a plain hash is enough, since the secret is 256 random bits. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
