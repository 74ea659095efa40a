/** Bytes of a secret that Tocsin makes. */
export const SECRET_BYTES = 32;
/** Bytes of a secret that a client brings: as many as Standard Webhooks allows. */
const LEAST_BYTES = 24;
const MOST_BYTES = 64;
const PREFIX = 'whsec_';

/** A signing secret as Standard Webhooks writes it: `whsec_` and the bytes as base64. */
export function signingSecretOf(bytes: Buffer): string {
  return PREFIX + bytes.toString('base64');
}

/** The bytes of a signing secret, which are the key of its signatures. */
export function signingKeyOf(secret: string): Buffer {
  return Buffer.from(secret.slice(PREFIX.length), 'base64');
}

/** True for `whsec_` and base64, with padding, of 24 to 64 bytes. */
export function isSigningSecret(text: string): boolean {
  if (!text.startsWith(PREFIX) || text.length > 2 * MOST_BYTES) return false;
  const bytes = signingKeyOf(text);
  return bytes.length >= LEAST_BYTES && bytes.length <= MOST_BYTES && signingSecretOf(bytes) === text;
}
