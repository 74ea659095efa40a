import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { unsealedAction } from '../../../src/alarm/stored-action.js';
import type { Database } from '../../../src/storage/database.js';
import { writeOutcomeRows, type OutcomeAlarm } from '../../../src/storage/evaluation/outcome-rows.js';
import { bringProjectForward } from '../../../src/storage/notifications/bring-forward-store.js';
import { createNotificationAdminStore } from '../../../src/storage/notifications/notification-admin-store.js';
import {
  createNotificationClaimStore,
  type NotificationClaimStore,
} from '../../../src/storage/notifications/notification-claim-store.js';
import { FROM_THE_START } from '../../../src/storage/notifications/fair-choice.js';
import { createNotificationUpkeepStore } from '../../../src/storage/notifications/notification-upkeep-store.js';
import { createNotificationRetention } from '../../../src/storage/retention/notification-retention.js';
import { NOON } from '../../support/builders.js';
import { countOnce } from '../../support/counted-claims.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAnsweringHosts, storeNumbered, type StoredNotification } from '../../support/stored-notifications.js';

const ALL = { all: true } as const;
const at = (minutes: number): Date => new Date(NOON.getTime() + minutes * 60_000);

describe('the limit of notifications an hour on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('the limit of notifications an hour on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    await storeAnsweringHosts(db, 'receiver:80');
  });
  afterAll(() => db.close());

  /** Stores due notifications. */
  const put = (prefix: string, count: number, given: Partial<StoredNotification> = {}): Promise<void> =>
    storeNumbered(db, prefix, count, given);

  /** Claims what is due, at most `limit`. Returns the projects of the notifications, and those that are limited now. */
  async function claim(
    minutes: number,
    { limit = 100, perHour = 5, notifier = createNotificationClaimStore(db) } = {},
  ) {
    const { claimed, toCount, more } = await notifier.claim({
      now: at(minutes),
      claimUntil: at(10_000),
      limit,
      perHost: 100,
      perHostAndProject: 100,
      cursor: FROM_THE_START,
    });
    const rules = { now: at(minutes), perProjectAndHour: perHour };
    const { limited, left } = await countOnce(notifier, toCount, rules);
    return { left, rules, projects: claimed.map(({ projectId }) => projectId ?? '').sort(), limited, more };
  }

  /** Claims one, as a notifier does: if others have taken what it found, it looks again. */
  async function claimOne(notifier: NotificationClaimStore): Promise<Awaited<ReturnType<typeof claim>>> {
    let result = await claim(0, { limit: 1, notifier });
    while (result.projects.length === 0 && result.more) result = await claim(0, { limit: 1, notifier });
    return result;
  }

  const due = async (minutes: number): Promise<number> =>
    (await createNotificationUpkeepStore(db).figures(at(minutes))).due;
  const pauses = (minutes: number, projectId?: string) =>
    createNotificationAdminStore(db).pauses(projectId === undefined ? ALL : { projectId }, at(minutes));

  /** Writes a transition or a repeat of an alarm with one action, in project p. */
  async function write(kind: 'transition' | 'repeat', version: number, minutes: number, alarmId = 'x'): Promise<void> {
    const outcome = { kind, from: 'ok', to: 'alarm', reason: 'because', reasonData: {} } as const;
    const row: OutcomeAlarm = {
      id: alarmId,
      name: 'x',
      severity: 'low',
      project_id: 'p',
      state_version: version,
      state_timestamp: at(0),
      delivery_policy: 'every',
      type: 'threshold',
      muted: false,
      told_state: null,
      ok_actions: null,
      alarm_actions: [unsealedAction('http://receiver/x')],
      insufficient_data_actions: null,
      action_secrets: null,
    };
    const [changed, repeated] = kind === 'repeat' ? [[], [{ outcome, row }]] : [[{ outcome, row }], []];
    await db.transaction((tx) =>
      writeOutcomeRows(tx, {
        changed,
        repeated,
        at: at(minutes),
        staleBefore: at(minutes),
        defaultPolicy: 'current',
      }),
    );
  }

  test('is told once, and is shown until the end of the hour', async () => {
    await put('a', 7);
    expect(await claim(0, { limit: 3 })).toMatchObject({ projects: ['p', 'p', 'p'], limited: [] });
    expect(await pauses(1)).toEqual([]);
    expect(await claim(10, { limit: 2 })).toMatchObject({ projects: ['p', 'p'], limited: ['p'] });
    expect(await claim(20)).toMatchObject({ projects: ['p', 'p'], limited: [] });
    const shown = [{ projectId: 'p', pausedAt: at(10), until: at(60), endsAt: null, reason: null, pausedBy: null }];
    expect(await pauses(59)).toEqual(shown);
    expect(await pauses(59, 'p')).toEqual(shown);
    expect(await pauses(59, 'q')).toEqual([]);
    expect(await pauses(60)).toEqual([]);
  });

  test('delays new repeats to the end of the hour, and no transition', async () => {
    await put('a', 5);
    expect(await claim(0)).toMatchObject({ limited: ['p'] });
    await write('repeat', 1, 1);
    expect((await claim(59)).projects).toEqual([]);
    await write('transition', 1, 59, 'y');
    expect((await claim(59)).projects).toEqual(['p']);
    expect([await due(59), await due(60)]).toEqual([0, 1]);
    expect((await claim(60)).projects).toEqual(['p']);
  });

  test('delays no repeat of another project, and none in the next hour', async () => {
    await put('a', 5, { projectId: 'q' });
    expect(await claim(0)).toMatchObject({ limited: ['q'] });
    await write('repeat', 1, 1);
    expect((await claim(1)).projects).toEqual(['p']);
    await put('b', 4);
    expect(await claim(2)).toMatchObject({ limited: ['p'] });
    await write('repeat', 1, 61, 'y');
    expect((await claim(61)).projects).toEqual(['p']);
  });

  test('holds for notifications without a project', async () => {
    await put('a', 6, { projectId: null });
    expect(await claim(0, { limit: 5 })).toMatchObject({ limited: [''] });
  });

  test('begins a new hour with the first notification after the last one', async () => {
    await put('a', 4);
    await claim(0);
    await put('b', 4);
    await claim(90);
    await put('c', 2);
    expect(await claim(100, { limit: 1 })).toMatchObject({ limited: ['p'] });
    expect(await pauses(149)).toEqual([
      { projectId: 'p', pausedAt: at(100), until: at(150), endsAt: null, reason: null, pausedBy: null },
    ]);
  });

  test('does not count further attempts', async () => {
    await put('tried', 9, { attempt: 1 });
    await put('new', 4);
    expect(await claim(0)).toMatchObject({ limited: [] });
    await put('last', 1);
    expect(await claim(1)).toMatchObject({ projects: ['p'], limited: ['p'] });
  });

  test('counts the claims of all notifiers together', async () => {
    await put('a', 5);
    const notifiers = Array.from({ length: 10 }, () => createNotificationClaimStore(db));
    const claims = await Promise.all(notifiers.map(claimOne));
    expect(claims.flatMap(({ projects }) => projects)).toHaveLength(5);
    const limited = claims.flatMap((one) => one.limited);
    // What a notifier could not count, since another one counted at the same moment, it counts later.
    for (const { left, rules } of claims)
      limited.push(...(await countOnce(createNotificationClaimStore(db), left, rules)).limited);
    expect(limited).toEqual(['p']);
  });

  test('merges waiting repeats, and keeps every transition', async () => {
    await put('a', 5);
    expect(await claim(0)).toMatchObject({ limited: ['p'] });
    await write('transition', 1, 1);
    for (const minutes of [2, 3, 4]) await write('repeat', 1, minutes);
    await write('transition', 2, 5);
    for (const minutes of [6, 7, 8]) await write('repeat', 2, minutes);
    const { rows } = await db.query<{ kind: string; sequence: number }>(
      `select kind, sequence from notifications where alarm_id = 'x' and status <> 'superseded' order by ordinal`,
    );
    expect(rows.map(({ kind, sequence }) => [kind, sequence])).toEqual([
      ['transition', 1],
      ['transition', 2],
      ['repeat', 2],
    ]);
  });

  test('is not ended by what brings later attempts forward', async () => {
    await put('a', 5);
    await claim(0);
    await write('repeat', 1, 1);
    await bringProjectForward(db, 'p', at(2));
    expect((await claim(2)).projects).toEqual([]);
  });

  test('is forgotten some time after the hour', async () => {
    await put('a', 5);
    await claim(0);
    const before = { delivered: NOON, repeats: NOON, dead: NOON, hosts: NOON, holds: NOON };
    await createNotificationRetention(db)({ ...before, hours: at(0) });
    expect(await pauses(1)).toHaveLength(1);
    await createNotificationRetention(db)({ ...before, hours: at(1) });
    expect((await db.query('select 1 from notification_hours')).rows).toEqual([]);
  });
}
