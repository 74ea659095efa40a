import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';

import type { AlarmDefinition } from '../../../src/alarm/alarm.js';
import { createAlarmStore, type AlarmStore, type StoredAlarm } from '../../../src/storage/alarms/alarm-store.js';
import type { Database } from '../../../src/storage/database.js';
import {
  createNotificationAdminStore,
  type NotificationAdminStore,
} from '../../../src/storage/notifications/notification-admin-store.js';
import {
  createNotificationClaimStore,
  type NotificationClaimStore,
} from '../../../src/storage/notifications/notification-claim-store.js';
import { FROM_THE_START } from '../../../src/storage/notifications/fair-choice.js';
import {
  createNotificationUpkeepStore,
  type NotificationUpkeepStore,
} from '../../../src/storage/notifications/notification-upkeep-store.js';
import { anEntry } from '../../contract/alarm-store.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarm, thresholdRule } from '../../support/stored-alarms.js';
import { storeAnsweringHosts, storeNotification, type StoredNotification } from '../../support/stored-notifications.js';
import { allOf } from '../../support/pages.js';
import { TEST_SEALER } from '../../support/sealer.js';
import { NO_QUOTAS } from '../../../src/storage/alarms/alarm-insert-store.js';

const PAGE = readFileSync(new URL('../../../../docs/delivery.md', import.meta.url), 'utf8');
const ALL = { all: true } as const;
const HOOK = 'http://receiver/hook';
const OTHER = 'http://receiver/other';

function at(seconds: number): Date {
  return new Date(NOON.getTime() + seconds * 1_000);
}

const EDITED_AT = at(10);

interface Stores {
  db: Database;
  alarms: AlarmStore;
  claims: NotificationClaimStore;
  upkeep: NotificationUpkeepStore;
  admin: NotificationAdminStore;
}

interface Edit {
  /** The action of the notification; default: HOOK. */
  action?: string;
  policy?: 'every';
  apply: (stores: Stores) => Promise<unknown>;
}

const replacing =
  (fields: Partial<AlarmDefinition & { projectId: string }>) =>
  ({ alarms }: Stores): Promise<unknown> => {
    const change = (current: StoredAlarm) => ({ next: { ...current, ...fields, timestamp: EDITED_AT }, entry: null });
    return alarms.replace(ALL, 'a', { rule: fields.rule ?? thresholdRule(), memberProject: null, change });
  };

function deleting({ alarms }: Stores): Promise<unknown> {
  return alarms.remove(ALL, 'a', { at: EDITED_AT, entry: () => anEntry({ alarmId: 'a' }) });
}

function settingState({ alarms }: Stores): Promise<unknown> {
  return alarms.setState(ALL, 'a', (current) => ({
    next: { ...current, state: 'ok', stateVersion: current.stateVersion + 1, stateTimestamp: EDITED_AT },
    entry: null,
  }));
}

const EDITS: Readonly<Record<string, Edit>> = {
  'removes its action': { apply: replacing({ alarmActions: [OTHER] }) },
  'moves its action to another list': { apply: replacing({ alarmActions: [OTHER], okActions: [HOOK] }) },
  'adds another action': { apply: replacing({ alarmActions: [HOOK, OTHER, 'http://receiver/new'] }) },
  'changes the order of the actions': { apply: replacing({ alarmActions: [OTHER, HOOK] }) },
  'writes its action in another way (`HTTP://…`)': { apply: replacing({ alarmActions: ['HTTP://receiver/hook#'] }) },
  'changes name, description, severity or rule': {
    apply: replacing({ name: 'n', description: 'd', severity: 'critical', rule: thresholdRule({ threshold: 1 }) }),
  },
  'changes the delivery policy or switches repeats off': {
    apply: replacing({ deliveryPolicy: 'every', repeatActions: false }),
  },
  'changes the project': { apply: replacing({ projectId: 'q' }) },
  'changes the project; the action is `queue://`': { action: 'queue://jobs', apply: replacing({ projectId: 'q' }) },
  'changes the project; the action is `trust+http://`': {
    action: 'trust+http://receiver/hook',
    apply: replacing({ projectId: 'q' }),
  },
  'disables the alarm': { apply: replacing({ enabled: false }) },
  'deletes the alarm': { apply: deleting },
  'sets the state by hand; the policy is `current`': { apply: settingState },
  'sets the state by hand; the policy is `every`': { policy: 'every', apply: settingState },
};

const IN_FLIGHT = { status: 'in_flight', attempt: 1, claimUntil: at(90) } as const;

/** How the notification is stored before the edit. */
const STATES: Readonly<Record<string, Partial<StoredNotification>>> = {
  waiting: {},
  'tried again later': { attempt: 1, nextAttemptAt: at(3_600) },
  repeat: { kind: 'repeat' },
  'in flight, fails': IN_FLIGHT,
  'in flight, succeeds': IN_FLIGHT,
  'replayed before': { status: 'dead', attempt: 3, finishedAt: at(1) },
  'replayed after': { status: 'dead', attempt: 3, finishedAt: at(1) },
};

/** The cells of the table with this first column. */
function tableOf(firstColumn: string): { columns: string[]; rows: string[][] } {
  const lines = PAGE.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${firstColumn} `));
  const rest = lines.slice(start);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  const [columns = [], , ...rows] = rest.slice(0, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return { columns, rows };
}

const TABLE = tableOf('the edit');
const CELLS = TABLE.rows.flatMap(([edit = '', ...cells]) =>
  cells.flatMap((becomes, index) =>
    [false, true].map((isPaused) => ({ edit, state: TABLE.columns[index + 1] ?? '', becomes, isPaused })),
  ),
);

test('the page has a row for each edit and a column for each state', () => {
  expect(TABLE.rows.map(([edit]) => edit)).toEqual(Object.keys(EDITS));
  expect(TABLE.columns.slice(1)).toEqual(Object.keys(STATES));
});

describe('edits on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('edits on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  const stores = {} as Stores;
  beforeAll(async () => {
    const db = await open();
    Object.assign(stores, {
      db,
      alarms: createAlarmStore(db, { sealer: TEST_SEALER, quotas: NO_QUOTAS }),
      claims: createNotificationClaimStore(db),
      upkeep: createNotificationUpkeepStore(db),
      admin: createNotificationAdminStore(db),
    });
  });
  afterAll(() => stores.db.close());

  test.each(CELLS)(
    'an edit that $edit: a notification that is "$state" becomes $becomes (deliveries paused: $isPaused)',
    async ({ edit, state, becomes, isPaused }) => {
      expect(await outcomeOf(stores, EDITS[edit]!, state, isPaused)).toBe(becomes);
    },
  );

  test('an attempt that fails after an edit removed its action is recorded as cancelled', async () => {
    const edit = EDITS['removes its action']!;
    await prepare(stores.db, edit, 'in flight, fails');
    await edit.apply(stores);
    const recorded = await finish(stores, false);
    expect(recorded).toMatchObject([{ id: 'n', status: 'cancelled', lastError: 'action removed from the alarm' }]);
  });

  const removed = 'cancelled: action removed from the alarm';
  const unwanted = 'cancelled: alarm deleted or disabled';
  const edited = `timestamp = '${EDITED_AT.toISOString()}'`;
  test.each<[string, string, Date | null, string]>([
    ['changed its name', "name = 'n'", null, 'in_flight'],
    ['lost the action', `alarm_actions = '{${OTHER}}'`, null, removed],
    ['moved the action to another list', `alarm_actions = '{}', ok_actions = '{${HOOK}}'`, null, removed],
    ['has the action in another spelling', "alarm_actions = '{HTTP://receiver/hook#}'", null, 'in_flight'],
    ['was disabled', `enabled = false, ${edited}`, null, unwanted],
    ['was disabled before a replay', `enabled = false, ${edited}`, at(20), 'in_flight'],
    ['was disabled after a replay', `enabled = false, ${edited}`, at(5), unwanted],
    ['was deleted', `deleted_at = '${EDITED_AT.toISOString()}'`, null, unwanted],
  ])(
    'at its claim, a notification whose alarm %s in a concurrent transaction (%s, replay at %p) is %s',
    async (...row) => {
      const [, change, replayedAt, becomes] = row;
      const { db, admin } = stores;
      await prepare(db, { apply: deleting }, 'waiting');
      await db.query(`update alarms set ${change} where id = 'a'`);
      await db.query('update notifications set replayed_at = $1', [replayedAt]);
      expect(await claimed(stores)).toEqual(becomes === 'in_flight' ? ['n'] : []);
      const [{ status, lastError } = {}] = await allOf(admin.list(ALL, {}));
      expect([status, ...(lastError ? [lastError] : [])].join(': ')).toBe(becomes);
    },
  );
}

async function outcomeOf(stores: Stores, edit: Edit, state: string, isPaused: boolean): Promise<string> {
  const { db, admin } = stores;
  await prepare(db, edit, state);
  if (isPaused) await admin.pause('p', NOON);
  if (state === 'replayed before') await admin.replay(ALL, { id: 'n' }, at(5));
  await edit.apply(stores);
  if (state === 'in flight, fails' || state === 'in flight, succeeds')
    await finish(stores, state === 'in flight, succeeds');
  if (state === 'replayed after' && (await admin.replay(ALL, { id: 'n' }, at(20))).replayed === 0) return 'refused';
  await stores.upkeep.supersede(at(30), { staleBefore: at(-30), defaultPolicy: 'current' });
  await stores.upkeep.cancel(at(30));
  if (isPaused) {
    expect(await claimed(stores)).toEqual([]);
    await admin.resume('p', at(40));
  }
  if ((await claimed(stores)).length > 0) return 'sent';
  const [row] = await allOf(admin.list(ALL, {}));
  return row?.status ?? 'absent';
}

async function prepare(db: Database, { action = HOOK, policy }: Edit, state: string): Promise<void> {
  await empty(db);
  await storeAnsweringHosts(db, 'receiver:80');
  await storeAlarm(db, {
    id: 'a',
    rule: thresholdRule(),
    state: 'alarm',
    alarmActions: [action, OTHER],
    repeatActions: true,
  });
  await db.query("update alarms set state_version = 1 where id = 'a'");
  const given = { id: 'n', action, actionList: 'alarm_actions', ...STATES[state] };
  await storeNotification(db, policy ? { ...given, policy } : given);
}

async function finish({ claims }: Stores, isDelivered: boolean): Promise<unknown> {
  const ended = isDelivered
    ? ({ outcome: 'delivered', httpStatus: 204, error: null, nextAttemptAt: null } as const)
    : ({ outcome: 'retry', httpStatus: 500, error: 'http_status 500', nextAttemptAt: at(60) } as const);
  const attempt = { id: 'n', attempt: 1, startedAt: NOON, durationMs: 15_000, ...ended };
  return (await claims.record([attempt], { now: at(15), defaultPolicy: 'current', maxAgeMs: 86_400_000 })).recorded;
}

async function claimed({ claims }: Stores): Promise<string[]> {
  const request = { limit: 5, perHost: 8, perHostAndProject: 4, cursor: FROM_THE_START };
  const result = await claims.claim({ now: at(7_200), claimUntil: at(7_300), ...request });
  return result.claimed.map(({ id }) => id);
}
