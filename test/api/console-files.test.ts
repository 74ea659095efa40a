import { readdirSync, readFileSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { startApi, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';

let db: Database;
let api: TestApi;
beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const MAIN = '/console/shell/main.js';

describe('GET /', () => {
  test.each([
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 302],
    ['application/json, text/html;q=0.5', 302],
    ['text/html;q=0, application/json', 200],
    ['*/*', 200],
    ['text/*', 200],
    ['application/json', 200],
    ['', 200],
  ])('with Accept %p answers %i', async (accept, status) => {
    const answer = await api.ask('GET', '/', { headers: { accept } });
    expect([answer.status, answer.headers.vary]).toEqual([status, 'Accept']);
    expect(answer.headers.location).toBe(status === 302 ? '/console' : undefined);
  });
});

describe('GET /console', () => {
  test('names only files that are there, all of this service', async () => {
    const { text } = await api.ask('GET', '/console', { as: {} });
    const loaded = [...text.matchAll(/(?:src|href)="([^"]+)"|"(\/console\/[^"]+)"/g)].map(([, a, b]) => a ?? b ?? '');
    expect(loaded).toEqual(expect.arrayContaining([MAIN, '/console/packages/preact.js']));
    for (const address of new Set(loaded)) {
      expect(address).toMatch(/^\//);
      expect([address, (await api.ask('GET', address, { as: {} })).status]).toEqual([address, 200]);
    }
  });

  test('allows its own scripts and styles alone, and no page may frame it', async () => {
    const { headers } = await api.ask('GET', '/console', { as: {} });
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'sha256-[A-Za-z0-9+/=]+'; /);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
  });
});

describe('a file of the page', () => {
  test('holds all style sheets in the order of their names, so that a browser sends one request', async () => {
    const { text } = await api.ask('GET', '/console/styles/page.css', { as: {} });
    const folder = new URL('../../src/console/styles/', import.meta.url);
    const sheets = readdirSync(folder).sort();
    expect(sheets.length).toBeGreaterThan(5);
    expect(text).toBe(sheets.map((name) => readFileSync(new URL(name, folder), 'utf8')).join(''));
  });

  test('that is not in the list is not found', async () => {
    const absent = ['shell/main.tsx', 'shell/main.d.ts', 'shell/constructor', 'packages/package.json', '..%2F/app.js'];
    for (const name of [...absent, 'packages/..%2F..%2Fpackage.json', '__proto__/toString']) {
      expect([name, (await api.ask('GET', `/console/${name}`, { as: {} })).status]).toEqual([name, 404]);
    }
  });

  test.each([
    { accepted: 'gzip, deflate, br, zstd', encoding: 'br', decode: brotliDecompressSync },
    { accepted: 'gzip, deflate', encoding: 'gzip', decode: gunzipSync },
    { accepted: '', encoding: null, decode: (bytes: Buffer) => bytes },
  ])('is sent as $encoding to a client that accepts "$accepted"', async ({ accepted, encoding, decode }) => {
    // Not api.ask, which reads texts; fetch would decode.
    const { status, headers, bytes } = await rawFile(accepted);
    expect([status, headers['content-encoding'] ?? null, headers['vary']]).toEqual([200, encoding, 'Accept-Encoding']);
    expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
    const built = readFileSync(new URL('../../src/console/shell/main.js', import.meta.url), 'utf8');
    expect(decode(bytes).toString()).toBe(built);
  });

  test('is not sent again to a client that has it in the same encoding', async () => {
    const { headers } = await rawFile('gzip');
    const tag = String(headers['etag']);
    const again = await rawFile('gzip', { 'if-none-match': `"other", W/${tag}` });
    expect([again.status, again.bytes.length, again.headers['etag']]).toEqual([304, 0, tag]);
    expect((await rawFile('br', { 'if-none-match': tag })).status).toBe(200);
  });
});

async function rawFile(acceptEncoding: string, headers: Record<string, string> = {}) {
  const { request } = await import('node:http');
  return new Promise<{ status: number; headers: Record<string, string | string[] | undefined>; bytes: Buffer }>(
    (resolve, reject) => {
      const sent = request(
        api.url + MAIN,
        { headers: { 'accept-encoding': acceptEncoding, ...headers } },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) }),
          );
        },
      );
      sent.on('error', reject);
      sent.end();
    },
  );
}
