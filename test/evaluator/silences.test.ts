import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { alarmTypes } from '../../src/alarm/types/index.js';
import type { Silence } from '../../src/alarm/silence/silence.js';
import type { Database } from '../../src/storage/database.js';
import { BODY } from '../../src/storage/notifications/notification-body.js';
import { createSilenceStore } from '../../src/storage/silences/silence-store.js';
import { datasourceDouble } from '../support/datasource-double.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { INTERVAL_MS, startEvaluator, type EvaluatorRig } from '../support/evaluator-rig.js';
import { describeWithPostgres } from '../support/servers.js';
import { storeAlarm } from '../support/stored-alarms.js';
import { aSilence, storeSilence } from '../support/stored-silences.js';

const RULE = alarmTypes.prometheus.schema.parse({ query: 'cpu', threshold: 80, comparison_operator: 'gt' });
const [HIGH, LOW] = [95, 5];

interface Row {
  id: string;
  kind: string;
  sequence: number;
  status: string;
  silence_id: string | null;
  body: string;
}

describe('silences of evaluated alarms on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('silences of evaluated alarms on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let rig: EvaluatorRig;
  let value: number;

  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    value = LOW;
    const prometheus = datasourceDouble<'prometheus'>((_, { now }) => ({
      kind: 'series',
      series: [[{ at: now.getTime(), values: { value } }]],
    }));
    rig = await startEvaluator(db, { remote: { prometheus: new Map([[null, prometheus]]) } });
  });
  afterEach(() => rig.stop());
  afterAll(() => db.close());

  const now = (): Date => rig.clock.now();
  const later = (intervals: number): Date => new Date(now().getTime() + intervals * INTERVAL_MS);
  const silence = (fields: Partial<Silence> = {}): Promise<void> => storeSilence(db, aSilence(now(), fields));

  /** An alarm of project p in state ok that was told. */
  async function anAlarm(fields: { repeatActions?: boolean } = {}): Promise<void> {
    const actions = { okActions: ['log://ok'], alarmActions: ['log://alarm'] };
    await storeAlarm(db, { id: 'a', rule: RULE, state: 'ok', ...actions, ...fields });
  }

  async function becomes(next: number): Promise<void> {
    value = next;
    await rig.interval();
  }

  async function end(id = 's'): Promise<void> {
    const by = { userId: 'u', projectId: 'p', at: now() };
    expect(await createSilenceStore(db).end({ all: true }, id, () => {}, by)).toBe(true);
  }

  async function notifications(): Promise<Row[]> {
    const columns = `id, kind, sequence, status, silence_id, ${BODY} as body`;
    return (await db.query<Row>(`select ${columns} from notifications n order by ordinal`)).rows;
  }

  async function statuses(): Promise<string[]> {
    return (await notifications()).map(({ kind, sequence, status }) => `${kind} ${sequence}: ${status}`);
  }

  async function alarm(): Promise<{ state: string; told_state: string | null }> {
    const { rows } = await db.query<{ state: string; told_state: string | null }>(
      "select state, told_state from alarms where id = 'a'",
    );
    return rows[0]!;
  }

  test('state and history go on under a silence, and the notification waits with the id of the silence', async () => {
    await anAlarm();
    await silence();
    await becomes(HIGH);
    expect(await alarm()).toEqual({ state: 'alarm', told_state: 'ok' });
    const { rows } = await db.query('select previous_state, state_version from alarm_history');
    expect(rows).toEqual([{ previous_state: 'ok', state_version: 1 }]);
    expect(await notifications()).toMatchObject([{ status: 'silenced', silence_id: 's', sequence: 1 }]);
    expect(rig.wokenFor()).toBe(0);
  });

  test('the notification of the present state is sent once, with its id and body, after the end', async () => {
    await anAlarm();
    await silence();
    await becomes(HIGH);
    const [held] = await notifications();
    await end();
    await rig.interval();
    expect(await notifications()).toEqual([{ ...held, status: 'pending' }]);
    expect(await alarm()).toEqual({ state: 'alarm', told_state: null });
    expect(rig.wokenFor()).toBe(1);
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: pending']);
    expect(rig.wokenFor()).toBe(1);
  });

  test('only the notification of the present state is sent: those of earlier states stay silenced', async () => {
    await anAlarm();
    await silence();
    for (const next of [HIGH, LOW, HIGH]) await becomes(next);
    await end();
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: silenced', 'transition 2: silenced', 'transition 3: pending']);
  });

  test('an alarm that returned to the state that was told sends nothing after the end', async () => {
    await anAlarm();
    await silence();
    for (const next of [HIGH, LOW]) await becomes(next);
    expect(await alarm()).toEqual({ state: 'ok', told_state: null });
    await end();
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: silenced', 'transition 2: silenced']);
  });

  test('repeats under a silence write no rows, and the release replaces the repeat of its interval', async () => {
    await anAlarm({ repeatActions: true });
    await silence();
    await becomes(HIGH);
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: silenced']);
    await end();
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: pending']);
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: pending', 'repeat 1: pending']);
  });

  test('repeats of a state that was told before the silence write no rows, and go on after it', async () => {
    await anAlarm({ repeatActions: true });
    await becomes(HIGH);
    await silence();
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: pending']);
    await end();
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: pending', 'repeat 1: pending']);
  });

  test('a notification that waited when the silence began is still pending', async () => {
    await anAlarm();
    await becomes(HIGH);
    await silence();
    await rig.interval();
    expect(await notifications()).toMatchObject([{ status: 'pending', silence_id: null }]);
  });

  test('a silenced transition supersedes an older notification that failed', async () => {
    await anAlarm();
    await becomes(HIGH);
    await db.query('update notifications set attempt = 1');
    await silence();
    await becomes(LOW);
    expect(await statuses()).toEqual(['transition 1: superseded', 'transition 2: silenced']);
  });

  const ENDINGS: Record<string, () => Promise<unknown>> = {
    'is ended by a user': () => end(),
    'has expired': () => db.query('update silences set ends_at = $1, over_at = $1', [now()]),
    'is changed so that it does not match': () =>
      createSilenceStore(db).replace(
        { all: true },
        's',
        (current) => ({
          next: { ...current, matchers: [{ field: 'name', value: 'other' }] },
          changed: ['matchers'],
        }),
        { userId: 'u', projectId: 'p', at: now() },
      ),
    'does not match the new name of the alarm': () =>
      db.query("update alarms set name = 'renamed', definition_version = 2, revision = pg_current_xact_id()"),
    'does not hold the new project of the alarm': () =>
      db.query("update alarms set project_id = 'q', definition_version = 2, revision = pg_current_xact_id()"),
  };
  test.each(Object.keys(ENDINGS))('the alarm is settled when its silence %s', async (ending) => {
    await anAlarm();
    await silence({ matchers: [{ field: 'name', value: 'alarm *' }] });
    await becomes(HIGH);
    await ENDINGS[ending]!();
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: pending']);
  });

  test('a silence that recurs holds alarms within its openings only', async () => {
    await anAlarm();
    // The clock of the test begins at 12:00:01.
    const recurrence = { cron: '0 12 * * *', durationS: 60, timezone: 'UTC' };
    await silence({ endsAt: null, recurrence });
    await becomes(HIGH);
    expect(await statuses()).toEqual(['transition 1: silenced']);
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: pending']);
    await becomes(LOW);
    // The first one has waited for about as long as makes it stale.
    expect(await statuses()).toEqual([expect.not.stringContaining('silenced'), 'transition 2: pending']);
  });

  test('of two silences that hold an alarm, the end of one sends nothing', async () => {
    await anAlarm();
    await silence();
    await silence({ id: 'other', matchers: [{ field: 'alarm_id', value: 'a' }] });
    await becomes(HIGH);
    await end();
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: silenced']);
    await end('other');
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: pending']);
  });

  test.each<[string, Partial<Silence>]>([
    ['of another project', { projects: ['q'] }],
    ['of several other projects', { projects: ['o', 'q'] }],
    ['that begins later', { startsAt: new Date('2026-01-01T13:00:00Z'), endsAt: new Date('2026-01-01T14:00:00Z') }],
    ['with a matcher that does not match', { matchers: [{ field: 'severity', value: 'critical' }] }],
    [
      'of which only one matcher matches',
      {
        matchers: [
          { field: 'alarm_id', value: 'a' },
          { field: 'type', value: 'event' },
        ],
      },
    ],
  ])('a silence %s holds nothing', async (_, fields) => {
    await anAlarm();
    await silence(fields);
    await becomes(HIGH);
    expect(await statuses()).toEqual(['transition 1: pending']);
  });

  test('a silence of several projects holds the alarms of each, until it is ended', async () => {
    await anAlarm();
    await silence({ projects: ['o', 'p'] });
    await becomes(HIGH);
    expect(await statuses()).toEqual(['transition 1: silenced']);
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: silenced']);
    await end();
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: pending']);
  });

  test('a silence of all projects holds the alarms of each', async () => {
    await anAlarm();
    await silence({ projects: ['*'] });
    await becomes(HIGH);
    expect(await statuses()).toEqual(['transition 1: silenced']);
  });

  test('a transition after the end is sent after the notification that was held', async () => {
    await anAlarm();
    await silence({ endsAt: later(1) });
    await becomes(HIGH);
    expect(await statuses()).toEqual(['transition 1: silenced']);
    await becomes(LOW);
    expect(await statuses()).toEqual(['transition 1: pending', 'transition 2: pending']);
    expect(await alarm()).toEqual({ state: 'ok', told_state: null });
  });

  test('a disabled alarm forgets what was held, also after it is enabled again', async () => {
    await anAlarm();
    await silence();
    await becomes(HIGH);
    await db.query('update alarms set enabled = false, definition_version = 2, revision = pg_current_xact_id()');
    await end();
    await rig.interval();
    expect(await statuses()).toEqual(['transition 1: silenced']);
    expect(await alarm()).toEqual({ state: 'alarm', told_state: null });
  });
}
