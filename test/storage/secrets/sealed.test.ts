import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { openSealer } from '../../../src/app/open-sealer.js';
import { parseConfig } from '../../../src/config/parse.js';
import { createSealer, type SecretLocation } from '../../../src/storage/secrets/sealed.js';
import { sealingKeyFile } from '../../../src/storage/secrets/sealing-key-file.js';

const OLD = Buffer.alloc(32, 1);
const NEW = Buffer.alloc(32, 2);
const PLACE: SecretLocation = { table: 't', rowId: 'r', projectId: 'p' };

describe('a sealed text', () => {
  const sealer = createSealer({ current: NEW, previous: [] });

  test.each(['', 'trust', 'ü'.repeat(500)])('can be opened for its own row: %j', (secret) => {
    expect(sealer.open(sealer.seal(secret, PLACE), PLACE)).toBe(secret);
  });

  test('differs each time, and does not contain the secret', () => {
    const [one, other] = [sealer.seal('trust-id', PLACE), sealer.seal('trust-id', PLACE)];
    expect(one).not.toBe(other);
    expect(Buffer.from(one.split('.')[2] ?? '', 'base64url').toString('latin1')).not.toContain('trust-id');
  });

  test.each<[string, Partial<SecretLocation>]>([
    ['another row', { rowId: 'r2' }],
    ['another table', { table: 't2' }],
    ['another project', { projectId: 'p2' }],
    ['no project', { projectId: null }],
    ['a place that reads the same when run together', { table: 'tr', rowId: '' }],
  ])('cannot be opened for %s', (_, elsewhere) => {
    expect(() => sealer.open(sealer.seal('trust', PLACE), { ...PLACE, ...elsewhere })).toThrow();
  });

  test('cannot be opened after a byte was changed or cut off', () => {
    const [version, key, text = ''] = sealer.seal('trust', PLACE).split('.');
    const bytes = Buffer.from(text, 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => sealer.open(`${version}.${key}.${changed.toString('base64url')}`, PLACE)).toThrow();
      expect(() => sealer.open(`${version}.${key}.${bytes.subarray(0, index).toString('base64url')}`, PLACE)).toThrow();
    }
    for (const other of ['', 'trust', 's2.a.b', `s1..${text}`]) expect(() => sealer.open(other, PLACE)).toThrow();
  });
});

describe('rotation', () => {
  test('a secret of the previous key can be opened, and a new secret needs the new key', () => {
    const before = createSealer({ current: OLD, previous: [] }).seal('trust', PLACE);
    const rotating = createSealer({ current: NEW, previous: [OLD] });
    expect(rotating.open(before, PLACE)).toBe('trust');
    const after = rotating.seal('trust', PLACE);
    expect(createSealer({ current: NEW, previous: [] }).open(after, PLACE)).toBe('trust');
    expect(() => createSealer({ current: OLD, previous: [] }).open(after, PLACE)).toThrow(/key .* neither/);
    expect(() => createSealer({ current: NEW, previous: [] }).open(before, PLACE)).toThrow(/key .* neither/);
  });
});

describe('keys', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'tocsin-key-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const embedded = (secrets: object = {}) => openSealer(parseConfig({ database: { data_dir: dir }, secrets }));

  test('the embedded database gets its own key file, which only its owner can read, and keeps it', () => {
    const sealed = embedded().seal('trust', PLACE);
    expect(readdirSync(dir)).toEqual(['secrets.key']);
    expect(statSync(path.join(dir, 'secrets.key')).mode & 0o777).toBe(0o600);
    expect(embedded().open(sealed, PLACE)).toBe('trust');
  });

  test('a configured key seals new secrets, and the key file still opens old ones', () => {
    const sealed = embedded().seal('trust', PLACE);
    const configured = embedded({ key: NEW.toString('base64') });
    expect(configured.open(sealed, PLACE)).toBe('trust');
    expect(createSealer({ current: NEW, previous: [] }).open(configured.seal('x', PLACE), PLACE)).toBe('x');
  });

  test('with a configured key no key file is created', () => {
    embedded({ key: NEW.toString('base64') }).seal('trust', PLACE);
    expect(readdirSync(dir)).toEqual([]);
  });

  test('a key file without a key stops the start, and is not changed', () => {
    writeFileSync(path.join(dir, 'secrets.key'), 'short');
    expect(() => sealingKeyFile(dir, { make: true })).toThrow(/secrets.key does not hold 32 bytes/);
    expect(readFileSync(path.join(dir, 'secrets.key'), 'utf8')).toBe('short');
  });

  test('PostgreSQL without a key stores no secret, and the error names the missing setting', () => {
    const sealer = openSealer(parseConfig({ database: { url: 'postgresql://h/d', data_dir: dir } }));
    expect(() => sealer.seal('trust', PLACE)).toThrow(/secrets\.key/);
    expect(sealer.refusal).toMatch(/secrets\.key/);
    expect(readdirSync(dir)).toEqual([]);
  });
});
