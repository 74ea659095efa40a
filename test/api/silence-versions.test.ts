import { describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, READER, STRANGER, type Answered } from '../support/api.js';
import { embeddedDatabase, serverDatabase } from '../support/databases.js';
import { describeWithPostgres } from '../support/servers.js';
import { SILENCE_BODY as BODY, silencesRig } from '../support/silences-rig.js';

interface Write {
  what: string;
  method: string;
  body?: Record<string, unknown>;
  ok: number;
}

const WRITES: Write[] = [
  { what: 'a replacement', method: 'PUT', body: { ...BODY, reason: 'mine' }, ok: 200 },
  { what: 'an end', method: 'DELETE', ok: 204 },
];

describe('versions of silences in the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('versions of silences in PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  const { api, post, send } = silencesRig(open);

  const write = (id: string, { method, body }: Write, ifMatch: string): Promise<Answered> =>
    api().ask(method, `/v1/silences/${id}`, { as: MEMBER, body, headers: { 'if-match': ifMatch } });
  async function aSilence(): Promise<{ id: string; etag: string }> {
    const answer = await post(BODY);
    return { id: answer.json<{ id: string }>().id, etag: answer.headers.etag ?? '' };
  }

  describe.each(WRITES)('$what', (row) => {
    test('goes through with the version that was read', async () => {
      const { id, etag } = await aSilence();
      const read = await send('GET', id);
      expect([read.headers.etag, etag]).toEqual([etag, expect.stringMatching(/^"\d+"$/)]);
      expect((await write(id, row, etag)).status).toBe(row.ok);
      expect((await send('GET', id)).headers.etag).not.toBe(etag);
    });

    test.each(['*', ' "0" , {etag}'])('goes through with If-Match: %s', async (ifMatch) => {
      const { id, etag } = await aSilence();
      expect((await write(id, row, ifMatch.replace('{etag}', etag))).status).toBe(row.ok);
    });

    test('goes through without If-Match', async () => {
      const { id } = await aSilence();
      await send('PUT', id, MEMBER, { ...BODY, reason: 'theirs' });
      expect((await send(row.method, id, MEMBER, row.body)).status).toBe(row.ok);
    });

    test.each<{ meanwhile: string; change: Omit<Write, 'what' | 'ok'> }>([
      { meanwhile: 'changed', change: { method: 'PUT', body: { ...BODY, reason: 'theirs' } } },
      { meanwhile: 'ended', change: { method: 'DELETE' } },
    ])('is refused when the silence was $meanwhile meanwhile, and changes nothing', async ({ change }) => {
      const { id, etag } = await aSilence();
      await send(change.method, id, MEMBER, change.body);
      const before = await send('GET', id);
      const answer = await write(id, row, etag);
      expect([answer.status, answer.fault]).toEqual([
        412,
        `Silence ${id} has changed: If-Match is ${etag}, the silence is at ${before.headers.etag}`,
      ]);
      expect((await send('GET', id)).text).toBe(before.text);
    });

    test('is refused to those who may not do it, whatever version they name', async () => {
      const { id, etag } = await aSilence();
      const statuses = [READER, STRANGER].map(async (as) => {
        const headers = { 'if-match': etag };
        return (await api().ask(row.method, `/v1/silences/${id}`, { as, body: row.body, headers })).status;
      });
      expect(await Promise.all(statuses)).toEqual([403, 404]);
    });
  });

  test('a replacement answers the new version, and one that changes nothing keeps it', async () => {
    const { id, etag } = await aSilence();
    const same = await send('PUT', id, MEMBER, BODY);
    expect(same.headers.etag).toBe(etag);
    const other = await send('PUT', id, MEMBER, { ...BODY, reason: 'another' });
    expect(other.headers.etag).not.toBe(etag);
    expect((await send('GET', id)).headers.etag).toBe(other.headers.etag);
  });

  test('of ten changes with the same version one goes through', async () => {
    const { id, etag } = await aSilence();
    const changes = Array.from({ length: 10 }, (_, n) =>
      write(id, { what: '', method: 'PUT', body: { ...BODY, reason: `change ${n}` }, ok: 200 }, etag),
    );
    const statuses = (await Promise.all(changes)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
  });
}
