import type { AlarmState } from '../../../src/alarm/state.js';
import { squareWaves } from '../oracle.js';
import type { RecordedTransition, RunRecords, WatchedAlarm } from '../records.js';
import { timeBounds, type Span } from './time-bounds.js';
import { groupBy, verdictOf, type Verdict } from './verdict.js';

/** The moment of an evaluation is taken before its data is asked for, and its row is read some time after. */
const SLACK_MS = 500;

/** G2: no partition is left unevaluated for longer than the bound, and each change of a wave is seen within it. */
export function checkNoAlarmUnevaluated(records: RunRecords): Verdict {
  const gaps = longGaps(records);
  const flips = lateFlips(records);
  return verdictOf(
    'G2',
    { ...gaps.counts, ...flips.counts },
    { absolute: [...gaps.broken, ...flips.broken], late: [...gaps.slow, ...flips.slow], isMachineSlow: true },
  );
}

interface Findings {
  counts: Record<string, number>;
  broken: string[];
  /** Found while the machine was too busy. */
  slow: string[];
}

function longGaps(records: RunRecords): Findings {
  const bounds = timeBounds(records);
  const found: Findings = { counts: { evaluations: records.evaluations.length }, broken: [], slow: [] };
  let longestMs = 0;
  for (const [partition, evaluations] of groupBy(records.evaluations, ({ partition }) => String(partition))) {
    const times = evaluations.map(({ atMs }) => atMs).filter((atMs) => atMs > records.fromMs && atMs < records.toMs);
    const moments = [records.fromMs, ...times.sort((a, b) => a - b), records.toMs];
    for (let k = 1; k < moments.length; k++) {
      const span: Span = { fromMs: moments[k - 1] ?? 0, toMs: moments[k] ?? 0 };
      const gapMs = span.toMs - span.fromMs;
      longestMs = Math.max(longestMs, gapMs);
      if (gapMs <= bounds.gapMs(span) + SLACK_MS) continue;
      const text = `partition ${partition} was not evaluated for ${gapMs} ms, at most ${bounds.gapMs(span)} ms allowed`;
      (bounds.isSlow(span) ? found.slow : found.broken).push(`${text}, from ${timeText(span.fromMs)}`);
    }
  }
  found.counts['longestGapMs'] = Math.round(longestMs);
  return found;
}

/** A time at which an alarm must change its state, and the time until which it can. */
interface ExpectedFlip {
  alarm: WatchedAlarm;
  state: AlarmState;
  span: Span;
}

function lateFlips(records: RunRecords): Findings {
  const bounds = timeBounds(records);
  const counts = { flips: 0, flipsExcused: 0, latestFlipMs: 0 };
  const found: Findings = { counts, broken: [], slow: [] };
  const made = groupBy(records.transitions, ({ alarmId }) => alarmId);
  for (const { alarm, state, span } of records.alarms.flatMap((one) => expectedFlips(one, records))) {
    const allowedMs = bounds.gapMs(span, alarm.number) + SLACK_MS;
    const isIt = ({ atMs, state: to }: RecordedTransition): boolean =>
      to === state && atMs >= span.fromMs - SLACK_MS && atMs < span.toMs;
    const seen = made.get(alarm.id)?.find(isIt);
    if (seen === undefined && span.toMs - span.fromMs < allowedMs) {
      counts.flipsExcused += 1; // the wave may have changed again before it had to be evaluated
      continue;
    }
    counts.flips += 1;
    const lateMs = seen === undefined ? Infinity : Math.round(seen.atMs - span.fromMs);
    if (seen !== undefined) counts.latestFlipMs = Math.max(counts.latestFlipMs, lateMs);
    if (lateMs <= allowedMs) continue;
    const what = seen === undefined ? 'never' : `after ${lateMs} ms`;
    const text = `wave ${alarm.number} became ${state} at ${timeText(span.fromMs)}, and its alarm followed ${what}`;
    (bounds.isSlow(span) ? found.slow : found.broken).push(text);
  }
  return found;
}

/**
 * The first evaluation of an alarm, and each change of its wave. Of alarms that clients edit there are none: a result
 * is dropped if the alarm was edited meanwhile.
 */
function expectedFlips(alarm: WatchedAlarm, { fromMs, toMs, readMs }: RunRecords): ExpectedFlip[] {
  if (alarm.isEdited) return [];
  const { number, createdMs, deletedMs = Infinity } = alarm;
  const moments = [createdMs, ...squareWaves.edges(number, createdMs, readMs)];
  return moments.flatMap((moment, k) => {
    const until = Math.min(moments[k + 1] ?? Infinity, deletedMs, toMs);
    if (moment < fromMs || until <= moment) return [];
    return [{ alarm, state: squareWaves.stateAt(number, moment), span: { fromMs: moment, toMs: until } }];
  });
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
