import type { DeliveryPolicy } from '../alarm/alarm.js';
import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type {
  FinishedAttempt,
  NotificationClaimStore,
  RecordedAttempt,
} from '../storage/notifications/notification-claim-store.js';
import type { ClaimedNotification } from '../storage/notifications/claimed-notification.js';
import { FROM_THE_START } from '../storage/notifications/fair-choice.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import { WakeableSleep } from '../async/wakeable-sleep.js';
import { hasHostAnswered } from './host-answer.js';
import { AttemptRecorder } from './attempt-recorder.js';
import type { Receivers } from './receivers/registry.js';
import { REJECTED, type DeliveryOutcome } from './receivers/receiver.js';
import { nextAttemptAfterRejection, nextAttemptAt } from './retry-schedule.js';
import { permitSharesOf } from './permit-shares.js';

export interface DeliveryPumpDeps {
  store: NotificationClaimStore;
  receivers: Receivers;
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  random: () => number;
  rules: DeliveryRules;
}

export interface DeliveryRules {
  policy: DeliveryPolicy;
  concurrency: number;
  attemptTimeoutMs: number;
  claimMs: number;
  sweepEveryMs: number;
  retrySchedule: readonly number[];
  /** Attempts after an answer 401, 403, 404 or 409: times since the first such answer. */
  rejectedSchedule: readonly number[];
  maxAgeMs: number;
  perHost: number;
  perHostAndProject: number;
}

/** The result of one claim, from which the search for due notifications continues. */
interface Claim {
  claimed: readonly ClaimedNotification[];
  /** At least one notification was due, and is now claimed or cancelled. */
  isFound: boolean;
  /** The search has gone through all hosts once. */
  isLapEnd: boolean;
  more: boolean;
}

const CLAIM_AT_ONCE = 50;
/**
 * Times that the cursor comes round without a find until everything has been looked at: the first lap may have begun in
 * the middle.
 */
const WHOLE_LAP = 2;
const TROUBLE_PAUSE_MS = 1_000;
/** What a receiver's own deadline gets on top before the attempt is cut off from outside. */
const SLACK_MS = 250;

/**
 * Claims due notifications and sends them, as many at once as there are slots. It looks when it is woken, when the next
 * one falls due, and every so often by itself, so that a ring that is lost costs time and nothing else. Ends when what
 * it has in hand is done.
 */
export class DeliveryPump implements Loop {
  readonly name = 'delivery';
  readonly #recorder: AttemptRecorder;
  readonly #attempts = new Map<Promise<void>, ClaimedNotification>();
  #cursor = FROM_THE_START;
  readonly #pause: WakeableSleep;
  #looked: (() => void)[] = [];
  #finished = 0;

  constructor(private readonly deps: DeliveryPumpDeps) {
    const { store, clock, log, rules } = deps;
    this.#pause = new WakeableSleep(clock);
    this.#recorder = new AttemptRecorder({
      clock,
      log,
      giveUpAfterMs: rules.claimMs,
      record: (finished) =>
        store.record(finished, { now: clock.now(), defaultPolicy: rules.policy, maxAgeMs: rules.maxAgeMs }),
      onRecorded: (recorded) => this.#onRecorded(recorded),
    });
  }

  /** Has the pump look for work now. */
  wake(): void {
    this.#pause.wake();
  }

  /** Wakes the pump; resolves when it has looked and has room for more. */
  wakeAndWait(): Promise<void> {
    const looked = new Promise<void>((resolve) => this.#looked.push(resolve));
    this.wake();
    return looked;
  }

  /** Attempts that have ended since the start: whether it stands still is seen from this. */
  get finished(): number {
    return this.#finished;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#pause.set();
      let pauseMs = TROUBLE_PAUSE_MS;
      try {
        pauseMs = await this.#look(signal);
      } catch (thrown) {
        this.deps.log.warn('the outbox could not be read, trying again', { err: toError(thrown) });
      }
      await this.#pause.sleep(pauseMs, signal);
    }
    await Promise.all(this.#attempts.keys());
    await this.#recorder.settled();
    this.#tellLookers();
  }

  /** Claims until nothing more is due or no slot is free; returns how long there is nothing to do. */
  async #look(signal: AbortSignal): Promise<number> {
    const { store, clock, rules } = this.deps;
    let now = clock.now();
    let idleLaps = 0;
    while (!signal.aborted) {
      const askedMs = clock.monotonicMs(); // before the claim: a pause while its answer was on the way counts too
      const free = rules.concurrency - this.#attempts.size;
      if (free === 0) return rules.sweepEveryMs; // the next attempt that ends wakes us
      now = clock.now();
      const { claimed, isFound, isLapEnd, more } = await this.#claim(now, { free, isFirstPass: idleLaps === 0 });
      for (const notification of claimed) this.#begin(notification, askedMs);
      if (isFound) idleLaps = 0;
      else if (!more || (isLapEnd && ++idleLaps >= WHOLE_LAP)) break;
    }
    this.#tellLookers();
    // After the moment that was looked at, not after now: what fell due in between would wait for the next sweep.
    const due = await store.nextDueAt(now);
    return Math.min(rules.sweepEveryMs, due === null ? Infinity : Math.max(0, due.getTime() - clock.now().getTime()));
  }

  async #claim(now: Date, { free, isFirstPass }: { free: number; isFirstPass: boolean }): Promise<Claim> {
    const { store, rules } = this.deps;
    const before = this.#cursor;
    const { claimed, cursor, more, dropped } = await store.claim({
      now,
      claimUntil: new Date(now.getTime() + rules.claimMs),
      limit: Math.min(free, CLAIM_AT_ONCE),
      perHost: rules.perHost,
      perHostAndProject: rules.perHostAndProject,
      cursor: before,
      shares: permitSharesOf([...this.#attempts.values()], rules.concurrency, isFirstPass),
    });
    this.#cursor = cursor;
    // The search through hosts that do not answer begins again, so this lap does not count.
    const beginsAnew = before.unresponsiveAfter !== '' && cursor.unresponsiveAfter === '';
    const isFound = claimed.length > 0 || (dropped ?? 0) > 0;
    return { claimed, more, isFound, isLapEnd: cursor.host === '' && !beginsAnew };
  }

  #tellLookers(): void {
    for (const tell of this.#looked.splice(0)) tell();
  }

  #begin(notification: ClaimedNotification, askedMs: number): void {
    const attempt: Promise<void> = this.#attempt(notification, askedMs)
      .catch((thrown: unknown) =>
        this.deps.log.error('an attempt failed in a way it should not', {
          notificationId: notification.id,
          alarmId: notification.alarmId,
          host: notification.host,
          attempt: notification.attempt,
          err: toError(thrown),
        }),
      )
      .finally(() => {
        this.#attempts.delete(attempt);
        this.#finished += 1;
        if (this.#attempts.size === this.deps.rules.concurrency - 1) this.wake();
      });
    this.#attempts.set(attempt, notification);
  }

  async #attempt(notification: ClaimedNotification, askedMs: number): Promise<void> {
    const { clock, receivers, rules, telemetry } = this.deps;
    const startedMs = clock.monotonicMs();
    // A process that was paused since the claim must not send what another may be sending by now.
    if (startedMs - askedMs >= rules.claimMs - rules.attemptTimeoutMs) return;
    const startedAt = clock.now();
    const { receiver, outcome } = await this.#withDeadline((signal) => receivers.deliver(notification, signal));
    const durationMs = clock.monotonicMs() - startedMs;
    const finished = this.#finishedAttempt(notification, outcome, { startedAt, durationMs });
    telemetry.deliveries.inc({ receiver, outcome: finished.outcome });
    telemetry.deliverySeconds.observe(durationMs / 1000);
    if (notification.attempt === 1) {
      telemetry.notificationLatency.observe(
        Math.max(0, clock.now().getTime() - notification.createdAt.getTime()) / 1000,
      );
    }
    this.#recorder.add(finished);
  }

  #finishedAttempt(
    notification: ClaimedNotification,
    outcome: DeliveryOutcome,
    time: { startedAt: Date; durationMs: number },
  ): FinishedAttempt {
    const { id, attempt } = notification;
    const nextAt = outcome.kind === 'retry' ? this.#nextAttemptAt(notification, outcome) : null;
    const isRejectedForGood = outcome.kind === 'retry' && outcome.error === REJECTED && nextAt === null;
    const retryAfterMs = outcome.kind === 'retry' ? outcome.retryAfterMs : undefined;
    return {
      id,
      attempt,
      ...time,
      outcome: isRejectedForGood ? 'dead' : outcome.kind,
      httpStatus: outcome.httpStatus ?? null,
      error: outcome.kind === 'delivered' ? null : outcome.error,
      nextAttemptAt: nextAt,
      notBefore: retryAfterMs === undefined ? null : new Date(this.deps.clock.now().getTime() + retryAfterMs),
      hasHostAnswered: hasHostAnswered(outcome),
    };
  }

  #nextAttemptAt(
    { attemptInSchedule: attempt, rejectedSince }: ClaimedNotification,
    { error, retryAfterMs }: Extract<DeliveryOutcome, { kind: 'retry' }>,
  ): Date | null {
    const { clock, random, rules } = this.deps;
    const now = clock.now();
    return error === REJECTED
      ? nextAttemptAfterRejection({ rejectedSince, schedule: rules.rejectedSchedule, now, random })
      : nextAttemptAt({ attempt, retryAfterMs, schedule: rules.retrySchedule, now, random });
  }

  async #withDeadline<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, rules } = this.deps;
    const ended = new AbortController();
    const expired = new AbortController();
    void clock.sleep(rules.attemptTimeoutMs + SLACK_MS, ended.signal).then(() => expired.abort());
    try {
      return await work(expired.signal);
    } finally {
      ended.abort();
    }
  }

  #onRecorded(recorded: readonly RecordedAttempt[]): void {
    const { log } = this.deps;
    for (const { id: notificationId, status, lastError: reason, ...fields } of recorded) {
      const details = { notificationId, ...fields, reason };
      if (status === 'pending') log.warn('delivery failed, will try again', details);
      else if (status === 'dead') log.error('notification given up', details);
      else if (status !== 'delivered') log.info('notification dropped', { ...details, status });
    }
    this.wake(); // a slot at its host is free now, and perhaps the next of its lane is due
  }
}
