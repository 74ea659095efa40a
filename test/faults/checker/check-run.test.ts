import { describe, expect, test } from '@jest/globals';

import type { RecordedFault, RecordedNotification, RunRecords } from '../records.js';
import { checkRun } from './check-run.js';
import {
  broken,
  change,
  EDITED,
  first,
  FROM,
  goodRun,
  LONG_OUTAGE,
  QUIET_FAULT,
  remove,
  TO,
  transitionsOf,
  WITHOUT_ACTIONS,
  type DraftRun,
} from './good-run.js';
import type { Verdict } from './verdict.js';

/** Of the last request of a queue, so that no other follows on it. */
function changeLast<T>(all: T[], changed: Partial<T>): void {
  all[all.length - 1] = { ...(all.at(-1) ?? first(all)), ...changed };
}

function addFault(run: DraftRun, fault: Partial<RecordedFault>): void {
  run.faults.push({ ...QUIET_FAULT, ...fault });
}

const RESENT_MS = 2_000;

function sendAgain(run: DraftRun, changed: Partial<RunRecords['calls'][number]> = {}): void {
  const call = first(run.calls);
  run.calls.push({ ...call, atMs: call.atMs + RESENT_MS, answeredMs: call.atMs + RESENT_MS + 40, ...changed });
}

/** The last request of each queue. */
function lastOfQueues({ calls }: DraftRun): DraftRun['calls'] {
  return [...new Map(calls.map((call) => [call.queue, call])).values()];
}

function sendLater(call: RunRecords['calls'][number], laterMs: number): void {
  call.atMs += laterMs;
  call.claimedMs += laterMs;
  call.answeredMs = call.atMs + 40;
}

function newNotification(run: DraftRun, changed: Partial<RecordedNotification>): void {
  run.notifications.push({ ...first(run.notifications), ...changed });
}

test.each<{ run: string; records: () => DraftRun }>([
  { run: 'in which all went well', records: goodRun },
  { run: 'with a long outage of the metrics backend', records: () => goodRun([LONG_OUTAGE]) },
])('a run $run holds every guarantee', ({ records }) => {
  expect(checkRun(records()).flatMap(({ problems }) => problems)).toEqual([]);
  expect(broken(records())).toEqual([]);
});

describe('the checker finds in spoilt records', () => {
  test.each<{ spoilt: string; spoil: (run: DraftRun) => void; guarantee: string }>([
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
      spoilt: 'a transition that is late while the row of another alarm is locked',
      guarantee: 'G2 broken',
      spoil: (run) => {
        const last = transitionsOf(run, WITHOUT_ACTIONS).at(-1);
        if (last !== undefined) last.atMs += 8_000;
        addFault(run, { kind: 'row-locked', fromMs: FROM, toMs: TO, isOutage: true, onlyAlarm: 1 });
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
    {
      spoilt: 'an alarm that has no data though the backend was down for a short time',
      guarantee: 'G3 broken',
      spoil: (run) => {
        addFault(run, { kind: 'backend-refused', fromMs: FROM, toMs: TO, isOutage: true });
        const last = transitionsOf(run, WITHOUT_ACTIONS).at(-1);
        if (last !== undefined) last.state = 'insufficient data';
      },
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
      spoilt: 'notifications that are sent seconds after their transitions',
      guarantee: 'G6 broken',
      spoil: (run) => run.calls.forEach((call) => sendLater(call, 3_000)),
    },
    {
      spoilt: 'a notification that is late while another receiver fails',
      guarantee: 'G6 broken',
      spoil: (run) => {
        addFault(run, { kind: 'receiver-hang', fromMs: FROM, toMs: TO, onlyReceiver: 1 });
        sendLater(first(run.calls), 6_000);
      },
    },
    {
      spoilt: 'more late notifications than a notifier that is cut off had claimed',
      guarantee: 'G6 broken',
      spoil: (run) => {
        addFault(run, { kind: 'cut-notifier-in-claim', fromMs: TO - 60_000, toMs: TO, mayRepeat: 1 });
        for (const call of lastOfQueues(run)) sendLater(call, 8_000);
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
  test.each<{ allowed: string; change: (run: DraftRun) => void }>([
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
      allowed: 'a transition that is late while the row of its alarm is locked',
      change: (run) => {
        const last = transitionsOf(run, WITHOUT_ACTIONS).at(-1);
        if (last !== undefined) last.atMs += 8_000;
        addFault(run, { kind: 'row-locked', fromMs: FROM, toMs: TO, isOutage: true, onlyAlarm: WITHOUT_ACTIONS });
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
      allowed: 'late notifications that a notifier had claimed when it was cut off',
      change: (run) => {
        addFault(run, { kind: 'cut-notifier-in-claim', fromMs: TO - 60_000, toMs: TO, mayRepeat: 50 });
        for (const call of lastOfQueues(run)) sendLater(call, 8_000);
      },
    },
    {
      allowed: 'late notifications to a receiver that fails',
      change: (run) => {
        addFault(run, { kind: 'receiver-hang', fromMs: FROM, toMs: TO, onlyReceiver: 0 });
        run.calls.forEach((call) => sendLater(call, 8_000));
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
