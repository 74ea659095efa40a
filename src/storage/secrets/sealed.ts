import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

import { AppError } from '../../errors.js';

/**
 * Where a secret stands. It opens nowhere else: a ciphertext copied to another row, or to another project's, is
 * refused.
 */
export interface SecretLocation {
  table: string;
  rowId: string;
  projectId: string | null;
}

/** Encrypts what the database must not show. */
export interface Sealer {
  /** Why nothing can be sealed here, for people; undefined when it can. */
  readonly refusal: string | undefined;
  /** @throws AppError `invalid_request` with the refusal. */
  seal(secret: string, place: SecretLocation): string;
  /** @throws Error when the key is gone, or the text was not sealed for this place. */
  open(sealed: string, place: SecretLocation): string;
}

export interface SealingKeys {
  /** Seals and opens: 32 bytes. Without it nothing is sealed. */
  current: Buffer | undefined;
  /** Open only what they sealed once. */
  previous: readonly Buffer[];
}

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 's1';

/** AES-256-GCM. A sealed text reads `s1.<key id>.<nonce, ciphertext and tag>`. */
export function createSealer({ current, previous }: SealingKeys): Sealer {
  const keys = new Map([...(current ? [current] : []), ...previous].map((key) => [keyIdOf(key), key]));
  const refusal =
    current === undefined
      ? 'storing a secret in PostgreSQL needs the setting secrets.key (32 bytes as base64), which is not set'
      : undefined;
  return {
    refusal,
    seal(secret, place) {
      if (current === undefined) throw new AppError('invalid_request', String(refusal));
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', current, nonce).setAAD(associated(place));
      const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `${VERSION}.${keyIdOf(current)}.${sealed.toString('base64url')}`;
    },
    open(sealed, place) {
      const [version, keyId = '', text = ''] = sealed.split('.');
      const key = keys.get(keyId);
      if (version !== VERSION) throw new Error('a secret of an unknown form');
      if (key === undefined)
        throw new Error(`the key ${keyId} of a secret is neither secrets.key nor secrets.previous_key`);
      const bytes = Buffer.from(text, 'base64url');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error('a secret that is cut off');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(associated(place))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    },
  };
}

/** Tells keys apart without telling anything of them. */
export function keyIdOf(key: Buffer): string {
  return createHash('sha256').update('tocsin sealing key').update(key).digest('hex').slice(0, 12);
}

/** JSON keeps the three apart whatever they contain. */
function associated({ table, rowId, projectId }: SecretLocation): Buffer {
  return Buffer.from(JSON.stringify([table, rowId, projectId]));
}
