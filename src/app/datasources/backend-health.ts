import type { DatasourceKind } from '../../alarm/series.js';
import type { Clock } from '../../clock.js';
import { durationText } from '../../config/duration.js';
import type { BackendObserver } from '../../datasource/datasource.js';
import { BackendTrouble } from '../../datasource/gate/trouble.js';
import { toError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import type { Telemetry } from '../../telemetry.js';

export interface BackendHealthDeps {
  clock: Clock;
  log: Logger;
  telemetry: Pick<Telemetry, 'backendQueries' | 'backendUp'>;
  /** How often each alarm is evaluated. */
  intervalMs: number;
  /** How long alarms keep their state while a backend cannot be asked. */
  graceMs: number;
  /** How many alarms of this process are in trouble just now. */
  alarmsInOutage: () => number;
}

/** A backend that cannot be asked. */
export interface FailingBackend {
  /** Its kind, and its name if it has one. */
  backend: string;
  since: Date;
  /** Fit for everybody's eyes. */
  reason: string;
}

export interface BackendHealth {
  observerOf: (kind: DatasourceKind, name: string | null) => BackendObserver;
  failing(): FailingBackend[];
}

/**
 * So many failures in a row tell a backend that cannot be asked from one request that went wrong; then it is left
 * alone, too.
 */
const FAILURES_IN_A_ROW = 3;

/**
 * And at least two intervals. Where nothing that alarms ask was answered for so long, that the neutral question is does
 * not count.
 */
const LATELY_MS = 120_000;

/** A backend that comes and goes has one line of each kind in this time. */
const QUIET_MS = 60_000;

/**
 * What requests tell about the backends: one line when one begins to fail and one when it answers again, figures, and
 * the list for readiness.
 */
export function createBackendHealth(deps: BackendHealthDeps): BackendHealth {
  const backends: Backend[] = [];
  return {
    observerOf(kind, name) {
      const backend = new Backend(deps, kind, name);
      backends.push(backend);
      return backend;
    },
    failing: () => backends.flatMap((backend) => backend.failing() ?? []),
  };
}

class Backend implements BackendObserver {
  #inARow = 0;
  #since = new Date(0);
  #reason = '';
  #isTold = false;
  #quietUntilMs = -Infinity;
  #answeredMs: number;

  constructor(
    private readonly deps: BackendHealthDeps,
    private readonly datasource: DatasourceKind,
    private readonly name: string | null,
  ) {
    this.#answeredMs = deps.clock.monotonicMs();
  }

  succeeded(): void {
    const { clock, log, alarmsInOutage, telemetry } = this.deps;
    telemetry.backendQueries.inc({ datasource: this.datasource, outcome: 'ok' });
    telemetry.backendUp.set(this.#labels, 1);
    this.#inARow = 0;
    this.#answeredMs = clock.monotonicMs();
    if (!this.#isTold) return;
    this.#isTold = false;
    this.#quietUntilMs = clock.monotonicMs() + QUIET_MS;
    const after = durationText(clock.now().getTime() - this.#since.getTime());
    log.info(`${this.#text} answers again`, { ...this.#labels, after, alarmsInOutage: alarmsInOutage() });
  }

  failed(reason: string, cause: unknown, answersNeutral = false): void {
    const { clock, log, graceMs, telemetry } = this.deps;
    telemetry.backendQueries.inc({ datasource: this.datasource, outcome: 'failed' });
    if (answersNeutral && !this.#isFailing && this.#wasAnsweredLately()) {
      this.#inARow = 0;
      return;
    }
    if (this.#inARow === 0) this.#since = clock.now();
    this.#inARow += 1;
    this.#reason = reason;
    if (this.#isFailing) telemetry.backendUp.set(this.#labels, 0);
    if (this.#inARow < FAILURES_IN_A_ROW || this.#isTold || clock.monotonicMs() < this.#quietUntilMs) return;
    this.#isTold = true;
    const what =
      graceMs === 0 ? 'alarms go to insufficient data' : `alarms keep their state for ${durationText(graceMs)}`;
    log.warn(`${this.#text} cannot be asked: ${what}`, { ...this.#labels, reason, ...detailOf(cause) });
  }

  failing(): FailingBackend | undefined {
    return this.#isFailing ? { backend: this.#text, since: this.#since, reason: this.#reason } : undefined;
  }

  #wasAnsweredLately(): boolean {
    const { clock, intervalMs } = this.deps;
    return clock.monotonicMs() - this.#answeredMs < Math.max(LATELY_MS, 2 * intervalMs);
  }

  get #isFailing(): boolean {
    return this.#inARow >= FAILURES_IN_A_ROW;
  }

  get #labels(): { datasource: DatasourceKind; backend: string } {
    return { datasource: this.datasource, backend: this.name ?? 'default' };
  }

  get #text(): string {
    return this.name === null ? this.datasource : `${this.datasource} ${this.name}`;
  }
}

/**
 * What a backend does wrong needs no stack of ours: the innermost message says it, with the address. Anything else may
 * be our own mistake.
 */
function detailOf(cause: unknown): { detail: string } | { err: Error } {
  const err = toError(cause);
  if (!(err instanceof BackendTrouble)) return { err };
  let innermost: Error = err;
  while (innermost.cause instanceof Error) innermost = innermost.cause;
  return { detail: innermost.message };
}
