import { createHash } from 'node:crypto';

/** Gnocchi's own namespace of UUIDs; it never changes. */
const NAMESPACE = Buffer.from('0a7a15ffaa134ac2897c9bdf30ce175b', 'hex');
const MAX_LENGTH = 255;

/** An id as Gnocchi writes it, from any spelling of a UUID that Gnocchi reads; undefined for other texts. */
export function uuidOf(text: string): string | undefined {
  const hex = text
    .replaceAll('urn:', '')
    .replaceAll('uuid:', '')
    .replace(/^[{}]+|(?<![{}])[{}]+$/g, '')
    .replaceAll('-', '');
  return /^[0-9a-f]{32}$/i.test(hex) ? dashed(hex.toLowerCase()) : undefined;
}

/**
 * The id under which Gnocchi keeps a resource. An id that is not a UUID is a name, which Gnocchi resolves differently
 * for each user: `creator` is Gnocchi's name of the user, undefined if unknown. Null if no resource can have that id;
 * undefined if only Gnocchi knows the id.
 */
export function resourceUuid(id: string, creator: string | undefined): string | null | undefined {
  // Gnocchi's own look-up takes the id for one segment of a path.
  if (id === '' || id === '.' || id === '..' || id.includes('/')) return null;
  const uuid = uuidOf(id);
  if (uuid !== undefined) return uuid;
  if (Array.from(id).length > MAX_LENGTH) return null;
  return creator === undefined ? undefined : version5(`${id}\0${creator}`);
}

function version5(name: string): string {
  const digest = createHash('sha1').update(NAMESPACE).update(name).digest().subarray(0, 16);
  digest[6] = (digest[6]! & 0x0f) | 0x50;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  return dashed(digest.toString('hex'));
}

function dashed(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
