import { afterAll, beforeAll, beforeEach, expect } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, type Answered, type Caller, type TestApi } from './api.js';
import { empty } from './databases.js';

type Json = Record<string, unknown>;

export const NOON = new Date('2026-01-01T12:00:00Z');
export const ORIGIN = 'https://hooks.example.com';

/** A receiver as answers show it. */
export interface ShownReceiver {
  id: string;
  origin: string;
  header_names: string[];
  secrets: { id: string; created_at: string; ends_at: string | null }[];
}

/** A signing secret as the answer to its creation shows it. */
export interface ShownSecret {
  id: string;
  secret: string;
  created_at: string;
  ends_at: null;
}

/** An API whose database is emptied before each test, at noon, and requests about receivers. */
export function receiversRig(open: () => Promise<Database>) {
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

  const send = (method: string, path: string, as: Caller = MEMBER, body?: unknown): Promise<Answered> =>
    api.ask(method, `/v1/receivers${path}`, { as, body });

  async function make(fields: Json = {}, as: Caller = MEMBER): Promise<string> {
    const answer = await send('POST', '', as, { origin: ORIGIN, ...fields });
    expect([answer.status, answer.fault]).toEqual([201, undefined]);
    return answer.json<{ id: string }>().id;
  }

  const show = async (id: string, as: Caller = MEMBER): Promise<ShownReceiver> =>
    (await send('GET', `/${id}`, as)).json<ShownReceiver>();

  async function makeSecret(receiver: string, body: Json = {}, as: Caller = MEMBER): Promise<ShownSecret> {
    const answer = await send('POST', `/${receiver}/secrets`, as, body);
    expect([answer.status, answer.fault]).toEqual([201, undefined]);
    return answer.json<ShownSecret>();
  }

  return { database: () => db, api: () => api, setClock, send, make, show, makeSecret };
}
