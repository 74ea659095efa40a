import type { DatasourceKind } from '../../alarm/series.js';
import type { Clock } from '../../clock.js';
import { durationText } from '../../config/duration.js';
import type { BackendObserver } from '../../datasource/datasource.js';
import { BackendUnavailable } from '../../http/backend-unavailable.js';
import { toError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import type { Telemetry } from '../../telemetry.js';

/** Dependencies and settings of the health of backends. */
export interface BackendHealthDeps {
  clock: Clock;
  log: Logger;
  telemetry: Pick<Telemetry, 'backendQueries' | 'backendUp'>;
  /** Time between two evaluations of an alarm. */
  intervalMs: number;
  /** Time for which alarms keep their state while a backend is unavailable. */
  graceMs: number;
  /** Number of alarms of this process that wait for an unavailable backend. */
  alarmsInOutage: () => number;
}

/** An unavailable backend. */
export interface FailingBackend {
  /** Kind, and name if it has one. */
  backend: string;
  since: Date;
  /** Holds no address and no credentials, since tenants may see it. */
  reason: string;
}

/** A backend that requests were sent to. */
export interface BackendState extends FailingBackend {
  isUp: boolean;
  /** Since when it is up, or down. */
  since: Date;
}

/** The health of the backends of an evaluator. */
export interface BackendHealth {
  observerOf: (kind: DatasourceKind, name: string | null) => BackendObserver;
  failing(): FailingBackend[];
  /** All backends that requests were sent to. */
  states(): BackendState[];
}

/** Consecutive failures after which a backend counts as unavailable. The circuit opens after as many. */
const FAILURES_IN_A_ROW = 3;

/**
 * Time since the last answer to a request of alarms, at least two intervals, after which failures count even if the
 * backend answers probes.
 */
const RECENT_MS = 120_000;

/** A backend that fails and recovers repeatedly causes at most one pair of log lines in this time. */
const QUIET_MS = 60_000;

/**
 * Derives the health of backends from the outcomes of requests. Logs the start and the end of each outage, sets
 * metrics, and keeps the list for readiness.
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
    states: () => backends.flatMap((backend) => backend.state() ?? []),
  };
}

class Backend implements BackendObserver {
  #inARow = 0;
  #since = new Date(0);
  #reason = '';
  /** Undefined before the first answer. */
  #upSince: Date | undefined;
  #isLogged = false;
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
    if (this.#isFailing || this.#upSince === undefined) this.#upSince = clock.now();
    this.#inARow = 0;
    this.#answeredMs = clock.monotonicMs();
    if (!this.#isLogged) return;
    this.#isLogged = false;
    this.#quietUntilMs = clock.monotonicMs() + QUIET_MS;
    const after = durationText(clock.now().getTime() - this.#since.getTime());
    log.info(`${this.#text} answers again`, { ...this.#labels, after, alarmsInOutage: alarmsInOutage() });
  }

  failed(reason: string, cause: unknown, answersProbe = false): void {
    const { clock, log, graceMs, telemetry } = this.deps;
    telemetry.backendQueries.inc({ datasource: this.datasource, outcome: 'failed' });
    if (answersProbe && !this.#isFailing && this.#hasRecentAnswer()) {
      this.#inARow = 0;
      return;
    }
    if (this.#inARow === 0) this.#since = clock.now();
    this.#inARow += 1;
    this.#reason = reason;
    if (this.#isFailing) telemetry.backendUp.set(this.#labels, 0);
    if (this.#inARow < FAILURES_IN_A_ROW || this.#isLogged || clock.monotonicMs() < this.#quietUntilMs) return;
    this.#isLogged = true;
    const effect =
      graceMs === 0 ? 'alarms go to insufficient data' : `alarms keep their state for ${durationText(graceMs)}`;
    log.warn(`${this.#text} is unavailable: ${effect}`, { ...this.#labels, reason, ...detailOf(cause) });
  }

  failing(): FailingBackend | undefined {
    return this.#isFailing ? { backend: this.#text, since: this.#since, reason: this.#reason } : undefined;
  }

  state(): BackendState | undefined {
    const failing = this.failing();
    if (failing) return { ...failing, isUp: false };
    return this.#upSince && { backend: this.#text, isUp: true, since: this.#upSince, reason: '' };
  }

  #hasRecentAnswer(): boolean {
    const { clock, intervalMs } = this.deps;
    return clock.monotonicMs() - this.#answeredMs < Math.max(RECENT_MS, 2 * intervalMs);
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
 * Log fields for the cause of a failure. For a failure of the backend the innermost message, with the address, is
 * enough. Any other error may be a bug of this service and is logged with its stack.
 */
function detailOf(cause: unknown): { detail: string } | { err: Error } {
  const err = toError(cause);
  if (!(err instanceof BackendUnavailable)) return { err };
  let innermost: Error = err;
  while (innermost.cause instanceof Error) innermost = innermost.cause;
  return { detail: innermost.message };
}
