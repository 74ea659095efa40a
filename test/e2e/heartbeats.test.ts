import { afterEach, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { eventually } from '../support/eventually.js';
import { killedClusters } from '../support/killed-cluster.js';
import { startReceiver, type Receiver } from '../support/receiver-server.js';
import { describeWith } from '../support/servers.js';

const EVERY_MS = 1_000;
const INTERVAL_MS = 2_000;

const startCluster = killedClusters();
let watch: Receiver | undefined;
afterEach(() => watch?.close());

interface StoredHeartbeat {
  id: string;
  createdAt: Date;
  status: string;
}

const stored = async (db: Database): Promise<StoredHeartbeat[]> =>
  (
    await db.query<StoredHeartbeat>(
      `select id, created_at as "createdAt", status from notifications where kind = 'heartbeat' order by created_at`,
    )
  ).rows;

describeWith(['postgres', 'redis'], 'heartbeats of a cluster', () => {
  test('are sent once in a period, stop when no evaluator works, and go on afterwards', async () => {
    watch = await startReceiver();
    const { requests, url } = watch;
    const { db, killAll, startOne, logOf } = await startCluster(
      { evaluator: 2, notifier: 3 },
      { HEARTBEAT_URL: `${url}/ping`, HEARTBEAT_EVERY: `${EVERY_MS}ms`, EVALUATOR_INTERVAL: `${INTERVAL_MS}ms` },
    );
    await eventually(() => expect(requests.length).toBeGreaterThan(3));
    expect(new Set(requests.map(({ target }) => target))).toEqual(new Set(['/ping']));

    await killAll('evaluator');
    await eventually(() => expect(logOf('notifier')).toContain('heartbeat notification withheld'));
    const { rows } = await db.query<{ oldest: Date }>('select min(last_evaluated_at) as oldest from partitions');
    const lastEvaluation = rows[0]!.oldest.getTime();
    const before = await stored(db);
    const late = before.filter(({ createdAt }) => createdAt.getTime() > lastEvaluation + 2 * INTERVAL_MS);
    expect(late).toEqual([]);

    startOne('evaluator');
    await eventually(async () => expect((await stored(db)).length).toBeGreaterThan(before.length));
    const [next] = (await stored(db)).slice(before.length);
    await eventually(() => expect(requests.map(idOf)).toContain(next?.id));

    const all = await stored(db);
    const periods = all.map(({ createdAt }) => Math.floor(createdAt.getTime() / EVERY_MS) * EVERY_MS);
    expect(all.map(({ id }) => id)).toEqual(periods.map((period) => `heartbeat-${period}`));
    expect(new Set(periods).size).toBe(all.length);
    const ids = requests.map(idOf);
    expect(new Set(ids).size).toBe(ids.length);
  }, 900_000);
});

function idOf({ headers }: Receiver['requests'][number]): string {
  return String(headers['webhook-id']).replace(/^msg_/, '');
}
