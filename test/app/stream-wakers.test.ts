import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { openStreamWaker, type StreamWaker } from '../../src/app/stream-wakers.js';
import { parseConfig } from '../../src/config/parse.js';
import { silentLogger } from '../../src/logger.js';
import { ReleaseStack } from '../../src/release-stack.js';
import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';
import { openEventStream, type EventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { describeWithRedis, redisUrl } from '../support/servers.js';

/** Time after which the reader of a stream looks in the database without being woken. */
const POLL_MS = 1_000;

describeWithRedis('the wake-up of streams by Redis', () => {
  let db: Database;
  let api: TestApi;
  let stream: EventStream;
  let resources: ReleaseStack;
  let prefix: string;
  beforeEach(async () => {
    resources = new ReleaseStack();
    prefix = randomUUID();
    db = await anyDatabase();
    api = await startApi(db);
    stream = await openEventStream(`${api.url}/v1/stream`, MEMBER);
    await eventually(() => expect(stream.lastId()).not.toBe(''));
  });
  afterEach(async () => {
    stream.close();
    await api.close();
    await resources.release();
    await db.close();
  });

  function wakerOf(roles: string[], ofPrefix = prefix): StreamWaker {
    const config = parseConfig({
      roles,
      database: { url: 'postgres://unused.example/tocsin' },
      redis: { url: redisUrl(), prefix: ofPrefix },
    });
    return openStreamWaker(config, silentLogger, resources);
  }

  test('has the event of another process read before the reader looks in the database by itself', async () => {
    wakerOf(['api']).onWake(() => api.streams.wake());
    const evaluator = wakerOf(['evaluator']);
    await api.create(thresholdBody(), MEMBER);
    await api.clock.advance(200); // the shortest pause between two reads
    expect(stream.events).toHaveLength(0);
    await eventually(() => {
      evaluator.wake(); // the reader may not have subscribed yet
      expect(stream.events).toHaveLength(1);
    });
    expect(api.clock.monotonicMs()).toBeLessThan(POLL_MS);
  });

  test('does not reach processes of another installation, which has another prefix', async () => {
    let woken = 0;
    wakerOf(['api']).onWake(() => (woken += 1));
    let others = 0;
    wakerOf(['api'], randomUUID()).onWake(() => (others += 1));
    const evaluator = wakerOf(['evaluator']);
    await eventually(() => {
      evaluator.wake();
      expect(woken).toBeGreaterThan(3);
    });
    expect(others).toBe(0);
  });
});
