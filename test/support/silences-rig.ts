import { afterAll, beforeAll, beforeEach, expect } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, type Answered, type Caller, type TestApi } from './api.js';
import { empty } from './databases.js';

type Json = Record<string, unknown>;

/** A page of a list of silences. */
export interface ListedSilences {
  silences: { id: string }[];
  next: string | null;
}

export const NOON = new Date('2026-01-01T12:00:00Z');
/** A silence that is active at noon. */
export const SILENCE_BODY = {
  matchers: [{ field: 'name', value: 'web-*' }],
  starts_at: '2026-01-01T11:00:00Z',
  ends_at: '2026-01-01T13:00:00Z',
  reason: 'kernel update',
  owner: 'web team',
};

/** An API whose database is emptied before each test, at noon, and requests about silences. */
export function silencesRig(open: () => Promise<Database>) {
  let db: Database;
  let api: TestApi;

  beforeAll(async () => {
    db = await open();
    api = await startApi(db);
  });
  beforeEach(async () => {
    await empty(db);
    setClock(NOON);
  });
  afterAll(() => api.close().then(() => db.close()));

  function setClock(at: Date): void {
    api.clock.synchronise(at, api.clock.monotonicMs());
  }

  const post = (body: Json, as = MEMBER): Promise<Answered> => api.ask('POST', '/v1/silences', { as, body });
  const get = (path: string, as = MEMBER): Promise<Answered> => api.ask('GET', path, { as });
  const send = (method: string, id: string, as = MEMBER, body?: Json): Promise<Answered> =>
    api.ask(method, `/v1/silences/${id}`, { as, body });

  async function make(fields: Json = {}, as = MEMBER): Promise<string> {
    const answer = await post({ ...SILENCE_BODY, ...fields }, as);
    expect([answer.status, answer.fault]).toEqual([201, undefined]);
    return answer.json<{ id: string }>().id;
  }

  async function page(search: string, as: Caller): Promise<ListedSilences> {
    const answer = await get(`/v1/silences${search}`, as);
    expect(answer.status).toBe(200);
    return answer.json<ListedSilences>();
  }

  /** All pages of a list. */
  async function pages(search: string, as = MEMBER): Promise<ListedSilences[]> {
    const found = [await page(`?${search}`, as)];
    for (let next = found[0]?.next; next; next = found.at(-1)?.next)
      found.push(await page(`?${search}&cursor=${next}`, as));
    return found;
  }

  /** The ids of the first page of a list. */
  const idsIn = async (search = '', as = MEMBER): Promise<string[]> =>
    (await page(search, as)).silences.map(({ id }) => id);

  return { database: () => db, api: () => api, setClock, post, get, send, make, pages, idsIn };
}
