import type { Logger } from '../logger.js';
import type { Telemetry } from '../telemetry.js';

const FAILURES_TO_QUARANTINE = 5;
const RETRY_AFTER_MS = 5 * 60_000;
/** The cache does not report deleted alarms here, so the oldest entries are dropped. */
const MAX_REMEMBERED = 10_000;

/**
 * Limits the cost of an alarm whose evaluation throws (a poison alarm): after five failures in a row it is evaluated
 * every five minutes only.
 */
export class Quarantine {
  readonly #failures = new Map<string, { inARow: number; lastAtMs: number }>();

  constructor(private readonly deps: { log: Logger; telemetry: Telemetry }) {}

  /** True if the alarm is to be skipped now. */
  isQuarantined(alarmId: string, now: Date): boolean {
    if (this.#failures.size === 0) return false;
    const record = this.#failures.get(alarmId);
    return (
      record !== undefined &&
      record.inARow >= FAILURES_TO_QUARANTINE &&
      now.getTime() - record.lastAtMs < RETRY_AFTER_MS
    );
  }

  failed(alarmId: string, now: Date, err: Error): void {
    const inARow = (this.#failures.get(alarmId)?.inARow ?? 0) + 1;
    this.#failures.delete(alarmId);
    this.#failures.set(alarmId, { inARow, lastAtMs: now.getTime() });
    if (this.#failures.size > MAX_REMEMBERED) this.#failures.delete(this.#failures.keys().next().value as string);
    this.deps.telemetry.evaluationFailures.inc();
    this.deps.log.error('an alarm could not be evaluated', { alarmId, inARow, err });
  }

  succeeded(alarmId: string): void {
    if (this.#failures.size > 0) this.#failures.delete(alarmId);
  }
}
