import type { RecordedFault, RecordedTransition, RunRecords, WatchedAlarm } from '../records.js';
import { TIMINGS } from '../timings.js';
import { timeBounds } from './time-bounds.js';
import { groupBy, verdictOf, type Verdict } from './verdict.js';

/** Most requests of an evaluator a second to a backend that is down for half a minute. Its health probe counts. */
const MOST_ASKED_PER_SECOND = 1;
/** Time after an outage until each alarm follows its wave again. */
const RECOVERY_MS = TIMINGS.intervalMs + TIMINGS.recoveryMs;

/**
 * True if the metrics backend has been down for longer than alarms keep their state. Its last answer may be
 * an interval older.
 */
export function isPastGrace({ outage, fromMs, toMs }: RecordedFault, atMs: number): boolean {
  return outage !== undefined && atMs >= fromMs + TIMINGS.graceMs - TIMINGS.intervalMs && atMs <= toMs + RECOVERY_MS;
}

/** True if the run can say something about long outages of the metrics backend. */
export function hasLongOutage({ faults }: RunRecords): boolean {
  return faults.some(({ outage }) => outage !== undefined);
}

/**
 * G8: in an outage of the metrics backend that is longer than alarms keep their state, each alarm goes to
 * `insufficient data` once and comes back once, and the backend is asked rarely. (That a shorter one changes no state
 * is a part of G3.)
 */
export function checkBackendTrouble(records: RunRecords): Verdict {
  const outages = records.faults.filter(({ outage }) => outage !== undefined);
  const made = groupBy(records.transitions, ({ alarmId }) => alarmId);
  const absolute: string[] = [];
  const late: string[] = [];
  for (const fault of outages) {
    const askedPerSecond = fault.outage?.askedPerSecond ?? NaN;
    if (!(askedPerSecond <= MOST_ASKED_PER_SECOND))
      absolute.push(`an evaluator asked a dead backend ${askedPerSecond.toFixed(2)} times a second`);
    const span = { fromMs: fault.fromMs, toMs: fault.toMs + RECOVERY_MS };
    const found = timeBounds(records).isSlow(span) ? late : absolute;
    for (const alarm of records.alarms.filter((one) => isThrough(one, span)))
      found.push(...problemsOf(alarm, made.get(alarm.id) ?? [], fault));
  }
  const rates = outages.map(({ outage }) => outage?.askedPerSecond ?? 0);
  const counts = { outages: outages.length, askedPerSecond: Number(Math.max(0, ...rates).toFixed(2)) };
  return verdictOf('G8', counts, { absolute, late, isMachineSlow: true });
}

/** True if the alarm was there all the time, and only its wave changes its state. */
function isThrough({ isEdited, createdMs }: WatchedAlarm, { fromMs }: { fromMs: number }): boolean {
  return !isEdited && createdMs < fromMs;
}

function problemsOf({ number }: WatchedAlarm, made: readonly RecordedTransition[], fault: RecordedFault): string[] {
  const own = made.filter(({ atMs }) => isPastGrace(fault, atMs));
  const out = own.findIndex(({ state }) => state === 'insufficient data');
  const outs = own.filter(({ state }) => state === 'insufficient data').length;
  if (outs !== 1) return [`the alarm on wave ${number} went to insufficient data ${outs} times in one outage`];
  return own.length > out + 1 ? [] : [`the alarm on wave ${number} did not come back after the outage`];
}
