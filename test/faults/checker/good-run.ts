import type { AlarmState } from '../../../src/alarm/state.js';
import { squareWaves } from '../oracle.js';
import type { RecordedFault, RecordedTransition, RunRecords } from '../records.js';
import { TIMINGS } from '../timings.js';
import { checkRun } from './check-run.js';

/** The first and the last moment of the run. */
export const FROM = Date.parse('2026-01-01T12:00:00Z');
export const TO = FROM + 180_000;
/** Without actions: its spoilt transitions have no notifications. */
export const WITHOUT_ACTIONS = 3;
/** Clients edit it. */
export const EDITED = 4;

/** Records that can be spoilt. */
export type DraftRun = {
  -readonly [K in keyof RunRecords]: RunRecords[K] extends readonly (infer T)[] ? T[] : RunRecords[K];
};

/** A fault that delays and repeats nothing. */
export const QUIET_FAULT: RecordedFault = {
  id: 'F08',
  kind: 'redis-flushall',
  detail: '6 keys',
  fromMs: FROM + 100_000,
  toMs: FROM + 100_000,
  evidence: '6 keys were lost',
  isOutage: false,
  mayRepeat: 0,
};

/** A long outage of the metrics backend. */
export const LONG_OUTAGE: RecordedFault = {
  ...QUIET_FAULT,
  kind: 'backend-down',
  fromMs: FROM + 60_000,
  toMs: FROM + 110_000,
  isOutage: true,
  outage: { askedPerSecond: 0.6 },
};
const LOST_AFTER_MS = 20_000;

/** A run in which all went well: each wave is followed a second after it changed, but for the faults that are given. */
export function goodRun(faults: readonly RecordedFault[] = [QUIET_FAULT]): DraftRun {
  const run: DraftRun = {
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
    faults: structuredClone([...faults]),
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
    for (const [k, { atMs, state }] of changesOf(number, faults).entries()) {
      const stateVersion = k + 1;
      run.transitions.push({ alarmId: id, stateVersion, previousState, state, atMs });
      previousState = state;
      if (each > 0) deliver(run, id, stateVersion, atMs);
    }
  }
  for (let atMs = FROM + 500; atMs < TO; atMs += TIMINGS.intervalMs) run.evaluations.push({ partition: 7, atMs });
  return run;
}

/** What an alarm does: it follows its wave, and has no data some time after the backend went down. */
function changesOf(number: number, faults: readonly RecordedFault[]): { atMs: number; state: AlarmState }[] {
  const outages = faults.filter(({ outage }) => outage !== undefined);
  const isDown = (edgeMs: number): boolean => outages.some(({ fromMs, toMs }) => edgeMs > fromMs && edgeMs < toMs);
  const edges = squareWaves.edges(number, FROM, TO - 2_000).filter((edgeMs) => !isDown(edgeMs));
  const seen = [FROM, ...edges, ...outages.map(({ toMs }) => toMs)].map((edgeMs) => {
    const atMs = edgeMs + 1_000;
    return { atMs, state: squareWaves.stateAt(number, atMs) };
  });
  const lost = outages.map(({ fromMs }) => ({ atMs: fromMs + LOST_AFTER_MS, state: 'insufficient data' as const }));
  return [...seen, ...lost].sort((one, other) => one.atMs - other.atMs);
}

function deliver(run: DraftRun, alarmId: string, sequence: number, atMs: number): void {
  const id = `${alarmId}-${sequence}`;
  const bodyHash = `hash of ${id}`;
  const row = { id, alarmId, sequence, actionList: 'ok_actions', actionIndex: 0, status: 'delivered', bodyHash };
  run.notifications.push({ ...row, nextAttemptMs: atMs, createdMs: atMs });
  const sent = { atMs: atMs + 100, id, bodyHash, sequence, queue: `0/${alarmId}/0`, claimedMs: atMs };
  run.calls.push({ ...sent, status: 204, answeredMs: atMs + 140 });
}

/** The guarantees that do not hold. */
export function broken(run: RunRecords): string[] {
  return checkRun(run).flatMap(({ guarantee, verdict }) => (verdict === 'held' ? [] : [`${guarantee} ${verdict}`]));
}

/** The transitions of the alarm on this wave. */
export function transitionsOf(run: DraftRun, number: number): RecordedTransition[] {
  return run.transitions.filter(({ alarmId }) => alarmId === `alarm-${number}`);
}

/** Removes a record, which must be there. */
export function remove<T>(all: T[], one: T | undefined): void {
  const at = one === undefined ? -1 : all.indexOf(one);
  if (at < 0) throw new Error('there is nothing to remove');
  all.splice(at, 1);
}

/** The first record, which must be there. */
export function first<T>(all: readonly T[]): T {
  const [one] = all;
  if (one === undefined) throw new Error('there is nothing to spoil');
  return one;
}

/** Replaces the first record by a changed one. */
export function change<T>(all: T[], changed: Partial<T>): void {
  all[0] = { ...first(all), ...changed };
}
