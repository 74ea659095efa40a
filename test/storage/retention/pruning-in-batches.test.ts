import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import {
  createNotificationRetention,
  type NotificationRetention,
} from '../../../src/storage/retention/notification-retention.js';
import { createRetentionStore, PRUNE_BATCH } from '../../../src/storage/retention/retention-store.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { holdLock } from '../../support/held-lock.js';
import { describeWithPostgres } from '../../support/servers.js';

const NOW = new Date('2026-01-08T12:00:00Z');
const ago = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);
const LIMIT = ago(3_600);
const NEVER = new Date(0);
const NOTIFICATIONS: NotificationRetention = {
  delivered: LIMIT,
  repeats: LIMIT,
  dead: LIMIT,
  hosts: NEVER,
  holds: NEVER,
  hours: NEVER,
};

/** Rows to prune. `insert` has the parameters prefix of the ids, number of rows, time of the first; one each second. */
interface Kind {
  rows: string;
  insert: string;
  pruning: (db: Database) => () => Promise<number>;
}

const SECONDS = 'cast($3 as timestamptz) + make_interval(secs => n) from generate_series(0, cast($2 as integer) - 1) n';
const notifications = (kind: string, status: string): Kind => ({
  rows: `notifications (${kind}, ${status})`,
  insert: `
    insert into notifications (id, alarm_id, kind, sequence, transition_time, action_list, action_index, action, lane,
      host, next_attempt_at, status, created_at, finished_at)
    select cast($1 as text) || n, case when '${kind}' = 'heartbeat' then '' else cast($1 as text) || n end, '${kind}',
           n, now(), 'ok_actions', 0, 'log://', $1, 'log:', now(), '${status}', at, at
      from (select n, ${SECONDS.replace(' from', ' as at from')}) given`,
  pruning: (db) => {
    const prune = createNotificationRetention(db);
    // Repeats and heartbeats are deleted by kind: the statements by status find them, too.
    return () => prune(kind === 'transition' ? NOTIFICATIONS : { ...NOTIFICATIONS, delivered: NEVER, dead: NEVER });
  },
});

const KINDS: readonly Kind[] = [
  {
    rows: 'samples',
    insert: `
      insert into samples (message_id, meter, type, unit, resource_id, source, resource_metadata, volume, recorded_at,
        timestamp)
      select cast($1 as text) || n, 'cpu', 'gauge', '%', 'r', 's', '{}', 1, now(), ${SECONDS}`,
    pruning: (db) => {
      const { pruneSamples } = createRetentionStore(db);
      return () => pruneSamples(LIMIT);
    },
  },
  {
    rows: 'events',
    insert: `
      insert into events (message_id, event_type, project_id, body, received_at)
      select cast($1 as text) || n, 't', 'p', '{}', ${SECONDS}`,
    pruning: (db) => {
      const { pruneEvents } = createRetentionStore(db);
      return () => pruneEvents(LIMIT);
    },
  },
  {
    rows: 'entries of the history',
    insert: `
      insert into alarm_history (event_id, alarm_id, type, detail, timestamp)
      select cast($1 as text) || n, 'a', 'creation', '{}', ${SECONDS}`,
    pruning: (db) => {
      const { pruneHistory } = createRetentionStore(db);
      return () => pruneHistory(LIMIT);
    },
  },
  {
    rows: 'deleted alarms',
    insert: `
      insert into alarms (id, type, name, description, enabled, rule, ok_actions, alarm_actions,
        insufficient_data_actions, repeat_actions, severity, time_constraints, timestamp, created_at, state,
        state_reason, state_timestamp, query_key, partition, deleted_at)
      select cast($1 as text) || n, 'event', 'n', '', true, '{}', '{}', '{}', '{}', false, 'low', '[]', now(), now(),
             'ok', '', now(), '', 0, ${SECONDS}`,
    pruning: (db) => {
      const { pruneTombstones } = createRetentionStore(db);
      return () => pruneTombstones(LIMIT);
    },
  },
  notifications('transition', 'delivered'),
  notifications('transition', 'silenced'),
  notifications('transition', 'dead'),
  notifications('repeat', 'dead'),
  notifications('heartbeat', 'delivered'),
];

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  const insert = ({ insert: text }: Kind, prefix: string, rows: number, from: Date) =>
    db.query(text, [prefix, rows, from]);

  test.each(KINDS)(
    '$rows are deleted from the end of the last batch on, and late ones by the next pass',
    async (kind) => {
      await insert(kind, 'old', PRUNE_BATCH + 10, ago(50_000));
      await insert(kind, 'young', 3, ago(60));
      const prune = kind.pruning(db);
      expect(await prune()).toBe(PRUNE_BATCH);
      await insert(kind, 'late', 2, ago(60_000));
      expect(await prune()).toBe(10);
      expect(await prune()).toBe(2);
      expect(await prune()).toBe(0);
    },
  );

  test('a kind of notifications whose rows are all deleted is not read again while others have more', async () => {
    const [delivered, dead] = [notifications('transition', 'delivered'), notifications('transition', 'dead')];
    await insert(delivered, 'a', 3, ago(50_000));
    await insert(dead, 'b', PRUNE_BATCH + 10, ago(50_000));
    const prune = delivered.pruning(db);
    expect(await prune()).toBe(PRUNE_BATCH + 3);
    await insert(delivered, 'late', 2, ago(60_000));
    expect(await prune()).toBe(10);
    expect(await prune()).toBe(2);
  });
}

describe('pruning on PGlite', () => contract(embeddedDatabase));
describeWithPostgres('pruning on PostgreSQL', () => {
  contract(serverDatabase);

  test('a row that is locked is left, and deleted by the next pass', async () => {
    const db = await serverDatabase();
    const history = KINDS.find(({ rows }) => rows === 'entries of the history')!;
    try {
      await db.query(history.insert, ['old', PRUNE_BATCH + 10, ago(50_000)]);
      const lock = await holdLock(db, `select from alarm_history where event_id = 'old7' for update`);
      const prune = history.pruning(db);
      expect([await prune(), await prune()]).toEqual([PRUNE_BATCH, 9]);
      await lock.release();
      expect(await prune()).toBe(1);
    } finally {
      await db.close();
    }
  });
});
