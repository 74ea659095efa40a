import type { Logger } from '../../logger.js';
import type { Telemetry } from '../../telemetry.js';
import type { Lateness } from './behind-watch.js';

/** Dependencies of the report. */
export interface LatenessReportDeps {
  log: Logger;
  telemetry: Pick<Telemetry, 'behindSeconds' | 'alarmsBehind'>;
  intervalMs: number;
}

/** Intervals without an alarm that is late by an interval, after which the end is logged. */
const QUIET_INTERVALS = 2;

const ADVICE =
  'the backends answer fewer requests than the alarms need: raise evaluator.interval, let ' +
  'alarms share requests, or add evaluators where a backend can do more';

/** Reports lateness: as metrics, and in two log lines, when an alarm is late by an interval and when that has ended. */
export class LatenessReport {
  #sinceMs: number | null = null;
  #lastLateMs = 0;

  constructor(private readonly deps: LatenessReportDeps) {}

  note({ alarms, longestMs, backends }: Lateness, nowMs: number): void {
    const { log, telemetry, intervalMs } = this.deps;
    telemetry.behindSeconds.set(longestMs / 1000);
    telemetry.alarmsBehind.set(alarms);
    if (longestMs >= intervalMs) {
      this.#lastLateMs = nowMs;
      if (this.#sinceMs !== null) return;
      this.#sinceMs = nowMs - longestMs;
      log.warn(`Tocsin is behind: ${ADVICE}`, { behind: secondsText(longestMs), alarms, backends });
    } else if (this.#sinceMs !== null && nowMs - this.#lastLateMs >= QUIET_INTERVALS * intervalMs) {
      log.info('Tocsin is no longer behind: alarms are evaluated in their intervals again', {
        after: secondsText(nowMs - this.#sinceMs),
      });
      this.#sinceMs = null;
    }
  }
}

/** A duration as text, in whole seconds. */
export function secondsText(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
