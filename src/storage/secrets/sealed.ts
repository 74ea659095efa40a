import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

import { AppError } from '../../errors.js';

/**
 * The row that contains a secret. The secret is bound to it: a ciphertext that was copied to another row or project
 * cannot be opened.
 */
export interface SecretLocation {
  table: string;
  rowId: string;
  projectId: string | null;
}

/** Encrypts secrets before they are stored in the database. */
export interface Sealer {
  /** Text for users that says why secrets cannot be sealed; undefined if they can. */
  readonly refusal: string | undefined;
  /** How each text begins that the current key sealed. Undefined without a key. */
  readonly currentPrefix: string | undefined;
  /** True if a text that the key with this id sealed can be opened. */
  hasKey(keyId: string): boolean;
  /** Encrypts a secret. @throws AppError `invalid_request` with the text of `refusal`. */
  seal(secret: string, place: SecretLocation): string;
  /** Decrypts a secret. @throws MissingKey. @throws Error when it was sealed for another row. */
  open(sealed: string, place: SecretLocation): string;
}

/** The keys of a sealer, 32 bytes each. */
export interface SealingKeys {
  /** Key for new secrets. Without it no secret can be sealed. */
  current: Buffer | undefined;
  /** Keys for secrets that were sealed earlier. */
  previous: readonly Buffer[];
}

/** A stored secret cannot be opened, since its key is not configured. */
export class MissingKey extends Error {
  override readonly name = 'MissingKey';

  constructor(keyId: string) {
    super(`a stored secret needs the key ${keyId}, which is neither secrets.key nor secrets.previous_key`);
  }
}

/** Length of a key. */
export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 's1';

/** Creates a sealer with AES-256-GCM. A sealed text is `s1.<key id>.<nonce, ciphertext and tag>`. */
export function createSealer({ current, previous }: SealingKeys): Sealer {
  const keys = new Map([...(current ? [current] : []), ...previous].map((key) => [keyIdOf(key), key]));
  const refusal =
    current === undefined
      ? 'storing a secret in PostgreSQL needs the setting secrets.key (32 bytes as base64), which is not set'
      : undefined;
  const currentPrefix = current && `${VERSION}.${keyIdOf(current)}.`;
  return {
    refusal,
    currentPrefix,
    hasKey: (keyId) => keys.has(keyId),
    seal(secret, place) {
      if (current === undefined || currentPrefix === undefined) throw new AppError('invalid_request', String(refusal));
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', current, nonce).setAAD(associated(place));
      const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return currentPrefix + sealed.toString('base64url');
    },
    open(sealed, place) {
      const [version, keyId = '', text = ''] = sealed.split('.');
      const key = keys.get(keyId);
      if (version !== VERSION) throw new Error('a stored secret has an unknown format');
      if (key === undefined) throw new MissingKey(keyId);
      const bytes = Buffer.from(text, 'base64url');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error('a stored secret is truncated');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(associated(place))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    },
  };
}

/** True for a text that a sealer has made. */
export function isSealed(text: string): boolean {
  return text.startsWith(`${VERSION}.`);
}

/** Returns an id of a key from which the key cannot be derived. */
export function keyIdOf(key: Buffer): string {
  return createHash('sha256').update('tocsin sealing key').update(key).digest('hex').slice(0, 12);
}

/** Returns the associated data of the encryption. As JSON, three other values never give the same bytes. */
function associated({ table, rowId, projectId }: SecretLocation): Buffer {
  return Buffer.from(JSON.stringify([table, rowId, projectId]));
}
