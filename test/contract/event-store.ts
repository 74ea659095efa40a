import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import type { TimeConstraint } from '../../src/alarm/time-constraint/time-constraint.js';
import { projectIn, traitsByName, type AlarmEvent, type Trait } from '../../src/alarm/types/event/event.js';
import type { EventRule } from '../../src/alarm/types/event/schema.js';
import { alarmTypes } from '../../src/alarm/types/index.js';
import type { Database } from '../../src/storage/database.js';
import { createEventStore, type EventStore, type RecordedEvents } from '../../src/storage/evaluation/event-store.js';
import { BODY } from '../../src/storage/notifications/notification-body.js';
import { empty } from '../support/databases.js';
import { FakeClock } from '../support/fake-clock.js';
import { storeAlarm, type StoredAlarm } from '../support/stored-alarms.js';

const HOOK = 'http://127.0.0.1:9/hook';

export function anEvent(
  messageId: string,
  { type = 'disk.full', project = 'p', traits = [] as Trait[] } = {},
): AlarmEvent {
  const all: Trait[] = project === '' ? traits : [['project_id', 1, project], ...traits];
  const raw = { message_id: messageId, event_type: type, traits: all };
  return {
    messageId,
    eventType: type,
    projectId: projectIn(all),
    generated: undefined,
    traits: traitsByName(all),
    raw,
  };
}

export function eventRule(fields: Record<string, unknown> = {}): EventRule {
  return alarmTypes.event.schema.parse(fields);
}

interface HistoryRow {
  state_version: number;
  previous_state: string;
  detail: string;
  event_id: string;
}

/** A time constraint that opens a number of minutes after a time, for 60 seconds. */
function constraintIn(minutes: number, from: Date): TimeConstraint {
  const at = new Date(from.getTime() + minutes * 60_000);
  const start = `${at.getUTCMinutes()} ${at.getUTCHours()} * * * ${at.getUTCSeconds()}`;
  return { name: 'n', description: '', start, duration: 60, timezone: '' };
}

/** The behaviour of events that every database must have. */
export function eventStoreContract(open: () => Promise<Database>): void {
  let db: Database;
  let store: EventStore;
  const clock = new FakeClock();

  beforeAll(async () => {
    db = await open();
    store = storeOn(db);
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  function storeOn(database: Database, pause = (): Promise<void> => Promise.resolve()): EventStore {
    return createEventStore(database, {
      now: () => clock.now(),
      pause,
      staleAfterMs: 60_000,
      defaultPolicy: 'current',
    });
  }

  const alarm = (id: string, given: Partial<StoredAlarm> = {}): Promise<void> =>
    storeAlarm(db, { id, rule: eventRule(), alarmActions: [HOOK], ...given });

  const record = (...events: AlarmEvent[]): Promise<RecordedEvents> => store.record(events);

  /** Records events as a request does, which waits for alarms that another one has locked. */
  async function recordAll(...events: AlarmEvent[]): Promise<RecordedEvents> {
    const recorded = await store.record(events);
    const { firings, notifications } = await store.fireWhenFree(recorded.waiting);
    recorded.firings.push(...firings);
    return { ...recorded, notifications: recorded.notifications + notifications };
  }

  const history = async (id: string): Promise<HistoryRow[]> =>
    (
      await db.query<HistoryRow>(
        `select event_id, state_version, previous_state, detail from alarm_history
         where alarm_id = $1 and type = 'state transition' order by state_version`,
        [id],
      )
    ).rows;
  const count = async (table: 'events' | 'notifications'): Promise<number> =>
    (await db.query<{ count: number }>(`select count(*) as count from ${table}`)).rows[0]?.count ?? 0;
  const row = async (id: string): Promise<Record<string, unknown>> =>
    (await db.query<Record<string, unknown>>('select * from alarms where id = $1', [id])).rows[0] ?? {};

  /** Expects that each history row starts with the state of the previous one, and that versions have no gap. */
  async function expectWholeChain(id: string, length: number): Promise<void> {
    const rows = await history(id);
    expect(rows.map(({ state_version }) => state_version)).toEqual(Array.from({ length }, (_, index) => index + 1));
    const states = rows.map(({ detail }) => (JSON.parse(detail) as { state: string }).state);
    expect(rows.map(({ previous_state }) => previous_state)).toEqual(['insufficient data', ...states.slice(0, -1)]);
    expect(await row(id)).toMatchObject({ state: states.at(-1), state_version: length });
  }

  describe('an event', () => {
    test('fires an alarm: state, history and one notification per action, with the event', async () => {
      await alarm('a', { alarmActions: [HOOK, 'log://'], okActions: [`${HOOK}/ok`], repeatActions: true });
      const { firings, ...rest } = await record(anEvent('m1'));
      const reason = 'Event <id=m1,event_type=disk.full> hits the query <query=[]>.';
      expect(firings).toEqual([{ alarmId: 'a', from: 'insufficient data', to: 'alarm', reason, stateVersion: 1 }]);
      expect(rest).toEqual({ done: 1, stored: 1, notifications: 2, waiting: [] });
      expect(await row('a')).toMatchObject({
        state: 'alarm',
        state_reason: reason,
        state_version: 1,
        state_timestamp: clock.now(),
        definition_version: 1,
      });
      const [transition] = await history('a');
      expect(transition?.detail).toBe(`{"state": "alarm", "transition_reason": "${reason}"}`);
      const { rows } = await db.query<Record<string, unknown>>(
        `select n.*, ${BODY} as body from notifications n order by action_index`,
      );
      expect(rows.map(({ action }) => action)).toEqual([HOOK, 'log://']);
      expect(rows[0]).toMatchObject({
        alarm_id: 'a',
        project_id: 'p',
        kind: 'transition',
        sequence: 1,
        event_id: transition?.event_id,
        status: 'pending',
        body:
          '{"alarm_name": "alarm a", "alarm_id": "a", "severity": "low", ' +
          '"previous": "insufficient data", "current": "alarm", ' +
          `"reason": "${reason}", "reason_data": {"type": "event", "event": ` +
          `{"message_id": "m1", "event_type": "disk.full", ` +
          '"traits": [["project_id", 1, "p"]]}}}',
      });
    });

    test('that is sent again fires no alarm, not even one that was reset or created since', async () => {
      await alarm('a');
      await record(anEvent('m1'));
      await db.query("update alarms set state = 'ok' where id = 'a'");
      await alarm('late');
      expect(await record(anEvent('m1'), anEvent('m1'))).toEqual({
        done: 2,
        stored: 0,
        firings: [],
        notifications: 0,
        waiting: [],
      });
      expect(await history('late')).toEqual([]);
      expect((await record(anEvent('m2'))).firings.map(({ alarmId }) => alarmId)).toEqual(['a', 'late']);
    });

    test('with the id of another project’s event is another event', async () => {
      await alarm('a', { projectId: 'p' });
      await record(anEvent('m1', { project: 'q' }));
      expect((await record(anEvent('m1', { project: 'p' }))).firings).toHaveLength(1);
    });

    test('is stored as it was sent', async () => {
      await record({ ...anEvent('m1', { project: '' }), generated: new Date('2015-01-01T00:00:00Z') });
      expect((await db.query('select * from events')).rows).toEqual([
        {
          message_id: 'm1',
          event_type: 'disk.full',
          project_id: '',
          generated: new Date('2015-01-01T00:00:00Z'),
          body: '{"message_id":"m1","event_type":"disk.full","traits":[]}',
          received_at: clock.now(),
          fired_through: null,
          locked_alarms: null,
        },
      ]);
    });

    test.each<[string, Partial<StoredAlarm>, string]>([
      ['of another project', { projectId: 'q' }, ''],
      ['that is disabled', { enabled: false }, ''],
      ['that watches other types', { rule: eventRule({ event_type: 'disk.f' }) }, ''],
      ['whose condition fails', { rule: eventRule({ query: [{ field: 'traits.absent', value: 'x' }] }) }, ''],
      ['that is in alarm and does not repeat', { state: 'alarm' }, ''],
      [
        'outside its time constraint',
        { timeConstraints: [{ name: 'n', start: '0 3 * * *', duration: 60, timezone: '' }] },
        '',
      ],
      ['that was deleted', {}, 'deleted_at = now()'],
      ['of another kind', {}, "type = 'threshold'"],
    ])('does not fire an alarm %s', async (_, given, change) => {
      await alarm('a', given);
      if (change) await db.query(`update alarms set ${change}`);
      expect(await record(anEvent('m1'))).toEqual({ done: 1, stored: 1, firings: [], notifications: 0, waiting: [] });
      expect(await history('a')).toEqual([]);
    });

    test('fires an alarm while its time constraint holds, and neither before nor after', async () => {
      await alarm('a', { repeatActions: true, timeConstraints: [constraintIn(10, clock.now())] });
      const fired = [];
      for (const [index, minutes] of [8, 1.5, 1, 1].entries()) {
        await clock.advance(minutes * 60_000);
        fired.push((await record(anEvent(`m${index}`))).firings.length);
      }
      expect(fired).toEqual([0, 1, 1, 0]);
    });

    test.each(['ok', 'insufficient data'])('fires an alarm that is %p', async (state) => {
      await alarm('a', { state });
      expect((await record(anEvent('m1'))).firings).toMatchObject([{ from: state, to: 'alarm' }]);
    });

    test('without a project fires the alarms that have none', async () => {
      await alarm('a');
      await alarm('b');
      await db.query("update alarms set project_id = null where id = 'b'");
      expect((await record(anEvent('m1', { project: '' }))).firings.map(({ alarmId }) => alarmId)).toEqual(['b']);
    });

    test('changes the state of a muted alarm without notifications', async () => {
      await alarm('a');
      await db.query('update alarms set muted = true');
      expect(await record(anEvent('m1'))).toMatchObject({ firings: [{ alarmId: 'a' }], notifications: 0 });
      await expectWholeChain('a', 1);
    });
  });

  describe('several events at once', () => {
    test('fire an alarm once, by the first of the list', async () => {
      await alarm('a');
      const { firings } = await record(anEvent('m2'), anEvent('m1'), anEvent('m3'));
      expect(firings.map(({ reason }) => reason)).toEqual([expect.stringContaining('<id=m2,')]);
      expect(await count('events')).toBe(3);
    });

    test('fire an alarm that repeats its actions each, in their order', async () => {
      await alarm('a', { repeatActions: true });
      const { firings } = await record(anEvent('m2'), anEvent('m1'), anEvent('other', { project: 'q' }), anEvent('m3'));
      expect(firings.map(({ from, reason }) => [from, reason.slice(10, 12)])).toEqual([
        ['insufficient data', 'm2'],
        ['alarm', 'm1'],
        ['alarm', 'm3'],
      ]);
      await expectWholeChain('a', 3);
      expect((await row('a'))['state_reason']).toContain('<id=m3,');
      const { rows } = await db.query<{ status: string; sequence: number }>(
        'select status, sequence from notifications order by ordinal',
      );
      expect(rows).toEqual([1, 2, 3].map((sequence) => ({ status: 'pending', sequence })));
      const ids = (await history('a')).map(({ event_id }) => event_id);
      expect(ids).toEqual([...ids].sort());
    });

    test('leave the time of the change alone when the state stays', async () => {
      await alarm('a', { state: 'alarm', repeatActions: true });
      const { state_timestamp: before } = await row('a');
      await record(anEvent('m1'));
      expect(await row('a')).toMatchObject({ state_version: 1, state_timestamp: before });
    });
  });

  describe('a failure', () => {
    test('stores nothing, so that the event can be sent again', async () => {
      await alarm('a');
      const broken: Database = {
        ...db,
        transaction: (work) =>
          db.transaction((tx) =>
            work({
              query: (text, parameters) =>
                text.includes('insert into notifications')
                  ? Promise.reject(new Error('gone'))
                  : tx.query(text, parameters),
            }),
          ),
      };
      await expect(storeOn(broken).record([anEvent('m1')])).rejects.toThrow('gone');
      expect(await count('events')).toBe(0);
      expect(await history('a')).toEqual([]);
      expect((await record(anEvent('m1'))).notifications).toBe(1);
    });

    test('an alarm that is edited between match and lock is matched by its new definition', async () => {
      await alarm('edited', { rule: eventRule({ event_type: 'disk.*' }) });
      await alarm('same', { rule: eventRule({ event_type: 'disk.*' }) });
      const other = eventRule({ event_type: 'net.*' });
      const meddling: Database = {
        ...db,
        transaction: (work) =>
          db.transaction((tx) =>
            work({
              query: async (text, parameters) => {
                if (text.includes('for update')) {
                  await tx.query("update alarms set rule = $1, definition_version = 2 where id = 'edited'", [
                    alarmTypes.event.ruleJson(other),
                  ]);
                }
                return tx.query(text, parameters);
              },
            }),
          ),
      };
      const recorded = await storeOn(meddling).record([anEvent('m1')]);
      expect(recorded.firings.map(({ alarmId }) => alarmId)).toEqual(['same']);
    });
  });

  describe('concurrent requests', () => {
    test('of one event fire once', async () => {
      await alarm('a', { repeatActions: true });
      const posts = await Promise.all(Array.from({ length: 50 }, () => recordAll(anEvent('m1'))));
      expect(posts.reduce((sum, { stored }) => sum + stored, 0)).toBe(1);
      expect(posts.flatMap(({ firings }) => firings)).toHaveLength(1);
      await expectWholeChain('a', 1);
      expect(await count('notifications')).toBe(1);
    });

    test('of different events fire one alarm in one chain', async () => {
      await alarm('a', { repeatActions: true });
      await Promise.all(Array.from({ length: 50 }, (_, index) => recordAll(anEvent(`m${index}`))));
      await expectWholeChain('a', 50);
      expect(await count('notifications')).toBe(50);
    });

    test('fire an alarm that does not repeat once', async () => {
      await alarm('a');
      await Promise.all(Array.from({ length: 50 }, (_, index) => recordAll(anEvent(`m${index}`))));
      await expectWholeChain('a', 1);
    });

    test('of the same events and alarms in any order do not block each other', async () => {
      const ids = ['a', 'b', 'c', 'd', 'e'];
      for (const id of ids) await alarm(id, { repeatActions: true });
      const events = Array.from({ length: 20 }, () => anEvent(randomUUID()));
      const orders = Array.from({ length: 20 }, (_, index) => [...events.slice(index), ...events.slice(0, index)]);
      const posts = await Promise.all(orders.map((order) => recordAll(...order)));
      expect(posts.reduce((sum, { stored }) => sum + stored, 0)).toBe(20);
      for (const id of ids) await expectWholeChain(id, 20);
    });
  });
}
