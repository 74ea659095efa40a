import { afterEach, expect, test } from '@jest/globals';

import { openEventStream, type EventStream } from '../support/event-stream.js';
import { alice, SESSION, sessionsRig, signedIn, type ApiProcess } from '../support/sessions-rig.js';

const rig = sessionsRig();
const streams: EventStream[] = [];
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
});

async function opened(api: ApiProcess, headers: Readonly<Record<string, string>>): Promise<EventStream> {
  const stream = await openEventStream(`${api.url}/v1/stream`, headers);
  streams.push(stream);
  expect(stream.status).toBe(200);
  return stream;
}

/** Lets time pass, slowly enough for checks of credentials to ask the database and Keystone. */
async function pass(ms: number, isOver: () => boolean = () => false): Promise<void> {
  for (let passed = 0; passed < ms && !isOver(); passed += 100) {
    await rig.clock.advance(100);
    for (let turn = 0; turn < 3; turn += 1) await rig.db.query('select 1');
    await fetch(rig.keystone.url);
  }
}

interface Ended {
  api: ApiProcess;
  other: ApiProcess;
  headers: Readonly<Record<string, string>>;
  keyId: string;
}

test.each<{ by: string; body: (key: string) => object; end: (ended: Ended) => Promise<unknown> }>([
  {
    by: 'its user signs out',
    body: (key) => ({ api_key: key }),
    end: ({ api, headers }) => api.ask('DELETE', SESSION, headers),
  },
  {
    by: 'its user signs out at another process',
    body: (key) => ({ api_key: key }),
    end: ({ other, headers }) => other.ask('DELETE', SESSION, headers),
  },
  { by: 'its key is revoked', body: (key) => ({ api_key: key }), end: ({ keyId }) => rig.revoke(keyId) },
  {
    by: 'Keystone revokes its token',
    body: () => alice(),
    end: async () => void rig.keystone.tokens.delete('good'),
  },
])('the stream of a session ends within 5 s after $by, and not before', async ({ body, end }) => {
  const [api, other] = [await rig.serve('keystone+apikey'), await rig.serve('keystone+apikey')];
  const { id: keyId, key } = await rig.storedKey();
  const headers = await signedIn(api, body(key));
  const remaining = await signedIn(api, { api_key: (await rig.storedKey()).key });
  const [stream, another] = [await opened(api, headers), await opened(api, remaining)];
  await pass(7_300);
  expect(stream.isEnded()).toBe(false);
  await end({ api, other, headers, keyId });
  await pass(5_000, () => stream.isEnded());
  expect(stream.isEnded()).toBe(true);
  expect(another.isEnded()).toBe(false);
});
