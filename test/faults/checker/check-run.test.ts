import { describe, expect, test } from '@jest/globals';

import { squareWaves } from '../oracle.js';
import type { RecordedFault, RecordedNotification, RecordedTransition, RunRecords } from '../records.js';
import { TIMINGS } from '../timings.js';
import { checkRun } from './check-run.js';
import type { Verdict } from './verdict.js';

const FROM = Date.parse('2026-01-01T12:00:00Z');
const TO = FROM + 180_000;
/** Without actions: its spoilt transitions have no notifications. */
const WITHOUT_ACTIONS = 3;
const EDITED = 4;

type Draft = { -readonly [K in keyof RunRecords]: RunRecords[K] extends readonly (infer T)[] ? T[] : RunRecords[K] };

const QUIET_FAULT: RecordedFault = {
  id: 'F08',
  kind: 'redis-flushall',
  detail: '6 keys',
  fromMs: FROM + 100_000,
  toMs: FROM + 100_000,
  evidence: '6 keys were lost',
  isOutage: false,
  mayRepeat: 0,
};

/** A run in which all went well: each wave is followed a second after it changed. */
function goodRun(): Draft {
  const run: Draft = {
    fromMs: FROM,
    toMs: TO,
    readMs: TO + 1_000,
    alarms: [],
    transitions: [],
    notifications: [],
    calls: [],
    evaluations: [],
    furthestQueryMs: 40,
    writes: [{ alarmId: 'edited', kind: 'edit', expected: ['edit 7'], found: 'edit 7' }],
    acknowledgedWrites: 8,
    faults: [structuredClone(QUIET_FAULT)],
    stalls: [],
    stops: [{ name: 'api-1', atMs: FROM, tookMs: 200, exitCode: 'exit code 0' }],
    pressure: [
      { atMs: FROM, waitedMs: 0 },
      { atMs: TO, waitedMs: 1_000 },
    ],
    crashes: [],
  };
  for (let number = 0; number <= EDITED; number++) {
    const each = number === WITHOUT_ACTIONS ? 0 : 1;
    const actions = { ok: each, alarm: each, 'insufficient data': each };
    const id = `alarm-${number}`;
    run.alarms.push({ id, number, createdMs: FROM, isEdited: number === EDITED, actions });
    let previousState = 'insufficient data';
    for (const [k, edge] of [FROM, ...squareWaves.edges(number, FROM, TO - 2_000)].entries()) {
      const atMs = edge + 1_000;
      const state = squareWaves.stateAt(number, atMs);
      const stateVersion = k + 1;
      run.transitions.push({ alarmId: id, stateVersion, previousState, state, atMs });
      previousState = state;
      if (each > 0) deliver(run, id, stateVersion, atMs);
    }
  }
  for (let atMs = FROM + 500; atMs < TO; atMs += TIMINGS.intervalMs) run.evaluations.push({ partition: 7, atMs });
  return run;
}

function deliver(run: Draft, alarmId: string, sequence: number, atMs: number): void {
  const id = `${alarmId}-${sequence}`;
  const bodyHash = `hash of ${id}`;
  const row = { id, alarmId, sequence, actionList: 'ok_actions', actionIndex: 0, status: 'delivered', bodyHash };
  run.notifications.push({ ...row, nextAttemptMs: atMs });
  const sent = { atMs: atMs + 100, id, bodyHash, sequence, queue: `0/${alarmId}/0`, claimedMs: atMs };
  run.calls.push({ ...sent, status: 204, answeredMs: atMs + 140 });
}

function broken(run: RunRecords): string[] {
  return checkRun(run).flatMap(({ guarantee, verdict }) => (verdict === 'held' ? [] : [`${guarantee} ${verdict}`]));
}

function transitionsOf(run: Draft, number: number): RecordedTransition[] {
  return run.transitions.filter(({ alarmId }) => alarmId === `alarm-${number}`);
}

function remove<T>(all: T[], one: T | undefined): void {
  const at = one === undefined ? -1 : all.indexOf(one);
  if (at < 0) throw new Error('there is nothing to remove');
  all.splice(at, 1);
}

function first<T>(all: readonly T[]): T {
  const [one] = all;
  if (one === undefined) throw new Error('there is nothing to spoil');
  return one;
}

/** Replaces the first record by a changed one. */
function change<T>(all: T[], changed: Partial<T>): void {
  all[0] = { ...first(all), ...changed };
}

/** Of the last request of a queue, so that no other follows on it. */
function changeLast<T>(all: T[], changed: Partial<T>): void {
  all[all.length - 1] = { ...(all.at(-1) ?? first(all)), ...changed };
}

function addFault(run: Draft, fault: Partial<RecordedFault>): void {
  run.faults.push({ ...QUIET_FAULT, ...fault });
}

const RESENT_MS = 2_000;

function sendAgain(run: Draft, changed: Partial<RunRecords['calls'][number]> = {}): void {
  const call = first(run.calls);
  run.calls.push({ ...call, atMs: call.atMs + RESENT_MS, answeredMs: call.atMs + RESENT_MS + 40, ...changed });
}

function newNotification(run: Draft, changed: Partial<RecordedNotification>): void {
  run.notifications.push({ ...first(run.notifications), ...changed });
}

test('a run in which all went well holds every guarantee', () => {
  expect(checkRun(goodRun()).flatMap(({ problems }) => problems)).toEqual([]);
  expect(broken(goodRun())).toEqual([]);
});

describe('the checker finds in spoilt records', () => {
  test.each<{ spoilt: string; spoil: (run: Draft) => void; guarantee: string }>([
    { spoilt: 'a request that no receiver has', guarantee: 'G1 broken', spoil: (run) => run.calls.splice(0, 1) },
    {
      spoilt: 'an answer that was not sent as a whole',
      guarantee: 'G1 broken',
      spoil: (run) => changeLast(run.calls, { status: 0 }),
    },
    {
      spoilt: 'a notification that is delivered and was answered 500',
      guarantee: 'G1 broken',
      spoil: (run) => changeLast(run.calls, { status: 500 }),
    },
    {
      spoilt: 'a transition without its notification',
      guarantee: 'G1 broken',
      spoil: (run) => run.notifications.splice(0, 1),
    },
    {
      spoilt: 'a second notification for one action',
      guarantee: 'G1 broken',
      spoil: (run) => newNotification(run, {}),
    },
    {
      spoilt: 'a notification without a transition',
      guarantee: 'G1 broken',
      spoil: (run) => newNotification(run, { sequence: 99 }),
    },
    {
      spoilt: 'a notification that nobody has sent for a minute',
      guarantee: 'G1 broken',
      spoil: (run) => change(run.notifications, { status: 'pending' }),
    },
    {
      spoilt: 'a partition that was left for two intervals',
      guarantee: 'G2 broken',
      spoil: (run) => run.evaluations.splice(4, 1),
    },
    {
      spoilt: 'a transition that is late',
      guarantee: 'G2 broken',
      spoil: (run) => {
        const last = transitionsOf(run, WITHOUT_ACTIONS).at(-1);
        if (last !== undefined) last.atMs += 8_000;
      },
    },
    {
      spoilt: 'a change of a wave that no transition followed',
      guarantee: 'G2 broken',
      spoil: (run) => remove(run.transitions, transitionsOf(run, WITHOUT_ACTIONS).at(-1)),
    },
    {
      spoilt: 'a transition that is there twice',
      guarantee: 'G3 broken',
      spoil: (run) => run.transitions.push(first(run.transitions)),
    },
    {
      spoilt: 'a transition that starts from another state than the one before led to',
      guarantee: 'G3 broken',
      spoil: (run) =>
        change(run.transitions, { previousState: 'alarm' === first(run.transitions).state ? 'ok' : 'alarm' }),
    },
    {
      spoilt: 'a version that has no transition',
      guarantee: 'G3 broken',
      spoil: (run) => {
        for (const transition of transitionsOf(run, WITHOUT_ACTIONS).slice(2)) transition.stateVersion += 1;
      },
    },
    {
      spoilt: 'a transition that the wave did not make',
      guarantee: 'G3 broken',
      spoil: (run) => {
        const last = transitionsOf(run, WITHOUT_ACTIONS).at(-1) ?? first(run.transitions);
        const state = last.state === 'ok' ? 'alarm' : 'ok';
        const extra = { state, previousState: last.state, stateVersion: last.stateVersion + 1 } as const;
        run.transitions.push({ ...last, ...extra, atMs: last.atMs + 1_000 });
      },
    },
    {
      spoilt: 'a body with another byte',
      guarantee: 'G4 broken',
      spoil: (run) => change(run.calls, { bodyHash: 'x' }),
    },
    { spoilt: 'a second attempt after the first was acknowledged', guarantee: 'G4 broken', spoil: sendAgain },
    {
      spoilt: 'more repeats than a killed notifier can cause',
      guarantee: 'G4 broken',
      spoil: (run) => {
        addFault(run, { kind: 'kill-notifier', fromMs: FROM + 1_000, toMs: FROM + 2_000, mayRepeat: 1 });
        sendAgain(run);
        sendAgain(run);
      },
    },
    {
      spoilt: 'two notifications of one queue in the wrong order',
      guarantee: 'G5 broken',
      spoil: (run) => {
        const own = run.calls.filter(({ queue }) => queue === '0/alarm-0/0');
        const [one, other] = [run.calls.indexOf(first(own)), run.calls.indexOf(own[1] ?? first(own))];
        const [{ atMs, answeredMs }, late] = [first(own), own[1] ?? first(own)];
        run.calls[other] = { ...first(own), atMs: late.atMs, answeredMs: late.answeredMs ?? 0 };
        run.calls[one] = { ...late, atMs, answeredMs: answeredMs ?? 0 };
      },
    },
    {
      spoilt: 'a notification that was sent while the one before was not acknowledged',
      guarantee: 'G5 broken',
      spoil: (run) => {
        const own = run.calls.filter(({ queue }) => queue === '0/alarm-0/0');
        change(run.calls, { answeredMs: (own[1]?.atMs ?? 0) + 1 });
      },
    },
    {
      spoilt: 'an acknowledged alarm that is missing',
      guarantee: 'G11 broken',
      spoil: (run) => change(run.writes, { found: undefined }),
    },
    {
      spoilt: 'an edit that was undone',
      guarantee: 'G11 broken',
      spoil: (run) => change(run.writes, { found: 'edit 6' }),
    },
    {
      spoilt: 'a deleted alarm that is there',
      guarantee: 'G11 broken',
      spoil: (run) => change(run.writes, { kind: 'delete' }),
    },
    {
      spoilt: 'a transition after the deletion was acknowledged',
      guarantee: 'G11 broken',
      spoil: (run) => change(run.writes, { kind: 'delete', found: undefined, transitions: { before: 3, after: 4 } }),
    },
    {
      spoilt: 'a process that ended by itself',
      guarantee: 'G12 broken',
      spoil: (run) => run.crashes.push('api-1: exit code 1'),
    },
    {
      spoilt: 'a webhook-timestamp of another hour',
      guarantee: 'G13 broken',
      spoil: (run) => change(run.calls, { claimedMs: FROM - 3_600_000 }),
    },
    {
      spoilt: 'a webhook-timestamp that is off by more than the clock jumped',
      guarantee: 'G13 broken',
      spoil: (run) => {
        addFault(run, { fromMs: FROM, toMs: TO, jumpMs: 3_600_000 });
        change(run.calls, { claimedMs: FROM - 3_600_000 });
      },
    },
    {
      spoilt: 'a query about a moment of another hour',
      guarantee: 'G13 broken',
      spoil: (run) => {
        run.furthestQueryMs = 3_600_000;
      },
    },
    {
      spoilt: 'a process that had to be killed',
      guarantee: 'G14 broken',
      spoil: (run) => change(run.stops, { exitCode: 'SIGKILL' }),
    },
    {
      spoilt: 'a process that took long to stop',
      guarantee: 'G14 broken',
      spoil: (run) => change(run.stops, { tookMs: 60_000 }),
    },
    {
      spoilt: 'a fault that did nothing',
      guarantee: 'faults inconclusive',
      spoil: (run) => change(run.faults, { evidence: undefined }),
    },
  ])('$spoilt: $guarantee, and nothing else', ({ spoil, guarantee }) => {
    const run = goodRun();
    spoil(run);
    expect(broken(run)).toEqual([guarantee]);
  });
});

describe('the checker allows', () => {
  test.each<{ allowed: string; change: (run: Draft) => void }>([
    {
      allowed: 'a gap while an evaluator is dead',
      change: (run) => {
        run.evaluations.splice(4, 1);
        addFault(run, { kind: 'kill-evaluator', fromMs: FROM + 19_000, toMs: FROM + 21_000 });
      },
    },
    {
      allowed: 'a gap as long as the database was down',
      change: (run) => {
        run.evaluations.splice(4, 4);
        addFault(run, { kind: 'postgres-hangs', fromMs: FROM + 17_000, toMs: FROM + 30_000, isOutage: true });
      },
    },
    {
      allowed: 'a gap as long as the machine stood still',
      change: (run) => {
        run.evaluations.splice(4, 1);
        run.stalls.push({ fromMs: FROM + 18_000, toMs: FROM + 23_000 });
      },
    },
    {
      allowed: 'a repeat after a notifier was killed',
      change: (run) => {
        addFault(run, { kind: 'kill-notifier', fromMs: FROM + 1_000, toMs: FROM + 2_000, mayRepeat: 50 });
        sendAgain(run);
      },
    },
    {
      allowed: 'further attempts before the first acknowledgement',
      change: (run) => {
        const call = first(run.calls);
        run.calls.unshift({ ...call, atMs: call.atMs - 90, status: 500 });
      },
    },
    {
      allowed: 'the next notification after one that is dead',
      change: (run) => {
        change(run.notifications, { status: 'dead' });
        change(run.calls, { status: 410 });
      },
    },
    {
      allowed: 'a webhook-timestamp that is off by as much as the clock jumped',
      change: (run) => {
        addFault(run, { fromMs: FROM, toMs: TO, jumpMs: -3_600_000 });
        change(run.calls, { claimedMs: FROM - 3_600_000 });
      },
    },
    {
      allowed: 'an edit that set the state of its alarm',
      change: (run) => {
        const [, second] = transitionsOf(run, EDITED);
        if (second === undefined) throw new Error('there is no second transition');
        for (const transition of transitionsOf(run, EDITED).slice(1)) transition.stateVersion += 1;
        for (const row of run.notifications)
          if (row.alarmId === `alarm-${EDITED}` && row.sequence > 1) row.sequence += 1;
        second.previousState = 'insufficient data';
      },
    },
  ])('$allowed', ({ change: spoil }) => {
    const run = goodRun();
    spoil(run);
    expect(broken(run)).toEqual([]);
  });
});

test('a gap while processes waited for a processor for most of the time proves nothing', () => {
  const run = goodRun();
  run.evaluations.splice(4, 1);
  run.pressure = [
    { atMs: FROM, waitedMs: 0 },
    { atMs: TO, waitedMs: 0.9 * (TO - FROM) },
  ];
  const verdicts = checkRun(run).filter(({ verdict }) => verdict !== 'held');
  expect(verdicts.map(({ guarantee, verdict }: Verdict) => [guarantee, verdict])).toEqual([['G2', 'inconclusive']]);
});
