import type { DeliveryPolicy } from '../alarm/alarm.js';
import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { NotificationClaimStore, RecordedAttempt } from '../storage/notifications/notification-claim-store.js';
import type { ActionOpener, ClaimedNotification } from '../storage/notifications/claimed-notification.js';
import { FROM_THE_START } from '../storage/notifications/fair-choice.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import { withDeadline } from '../async/deadline.js';
import { WakeableSleep } from '../async/wakeable-sleep.js';
import { finishedAttempt } from './finished-attempt.js';
import { HourCounter } from './hour-counter.js';
import { hasOnlyAttempt } from './only-attempt.js';
import { AttemptRecorder } from './attempt-recorder.js';
import type { Receivers } from './receivers/registry.js';
import type { DeliveryOutcome } from './receivers/receiver.js';
import { permitsOf, type AttemptUnderWay, type Permits } from './permit-shares.js';

export interface DeliveryPumpDeps {
  store: NotificationClaimStore;
  openAction: ActionOpener;
  receivers: Receivers;
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  random: () => number;
  rules: DeliveryRules;
}

/** The notifier's settings for attempts: how many at once, how long, and when to try again. */
export interface DeliveryRules {
  policy: DeliveryPolicy;
  concurrency: number;
  attemptTimeoutMs: number;
  claimMs: number;
  sweepEveryMs: number;
  retrySchedule: readonly number[];
  /** Times of attempts after an answer 401, 403, 404 or 409, in milliseconds since the first such answer. */
  rejectedSchedule: readonly number[];
  maxAgeMs: number;
  perHost: number;
  perHostAndProject: number;
  /** Notifications of a project in an hour before its repeats wait for the end of the hour; 0: no limit. */
  perProjectAndHour: number;
}

/** Result of one claim, from which the search for due notifications continues. */
interface SearchStep {
  claimed: readonly ClaimedNotification[];
  /** At least one notification was due, and is now claimed or cancelled. */
  isFound: boolean;
  /** True when the cursor has passed the last host: one lap of the search is over. */
  isLapEnd: boolean;
  /** False if no other notification can be claimed at this moment. */
  more: boolean;
}

/** Most notifications of one claim. */
const MAX_CLAIMED = 50;
/** Ends of a lap without a find after which all hosts were searched. Two, since the first lap may begin anywhere. */
const IDLE_LAPS = 2;
/** Pause after a failed search. */
const RETRY_PAUSE_MS = 1_000;
/** Time that a receiver gets beyond its own deadline before the pump aborts the attempt. */
const SLACK_MS = 250;

/**
 * Claims due notifications and sends them, at most `concurrency` at once beside those that wait for a slow receiver. It
 * searches the outbox when it is woken, when
 * the next notification becomes due, and every `sweepEveryMs`. So a lost wake-up delays notifications but loses none.
 * `run` ends when the attempts under way have ended and are recorded, and the claims are counted.
 */
export class DeliveryPump implements Loop {
  readonly name = 'delivery';
  readonly #recorder: AttemptRecorder;
  readonly #hours: HourCounter;
  readonly #attempts = new Map<Promise<void>, AttemptUnderWay>();
  /** True while the search waits for a permit. */
  #isFull = false;
  #cursor = FROM_THE_START;
  readonly #pause: WakeableSleep;
  /** Callers of `wakeAndWait` that wait for the end of a search. */
  #searchWaiters: (() => void)[] = [];
  #finished = 0;

  constructor(private readonly deps: DeliveryPumpDeps) {
    const { store, clock, log, rules } = deps;
    this.#pause = new WakeableSleep(clock);
    this.#hours = new HourCounter({ store, clock, log, perProjectAndHour: rules.perProjectAndHour });
    this.#recorder = new AttemptRecorder({
      clock,
      log,
      giveUpAfterMs: rules.claimMs,
      record: (finished) =>
        store.record(finished, { now: clock.now(), defaultPolicy: rules.policy, maxAgeMs: rules.maxAgeMs }),
      onRecorded: (recorded) => this.#onRecorded(recorded),
    });
  }

  /** Makes the pump search the outbox now. */
  wake(): void {
    this.#pause.wake();
  }

  /** Wakes the pump. Resolves when it has searched the outbox and has a free permit. */
  wakeAndWait(): Promise<void> {
    const searched = new Promise<void>((resolve) => this.#searchWaiters.push(resolve));
    this.wake();
    return searched;
  }

  /** Number of attempts that have ended since the start. The watchdog compares it to detect a stalled pump. */
  get finished(): number {
    return this.#finished;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#pause.set();
      let pauseMs = RETRY_PAUSE_MS;
      try {
        pauseMs = await this.#search(signal);
      } catch (thrown) {
        this.deps.log.warn(`could not read the outbox; will retry in ${RETRY_PAUSE_MS} ms`, { err: toError(thrown) });
      }
      await this.#pause.sleep(pauseMs, signal);
    }
    await Promise.all(this.#attempts.keys());
    await Promise.all([this.#recorder.flushed(), this.#hours.flushed()]);
    this.#resolveSearchWaiters();
  }

  /** Claims until no notification is due or no permit is free. Returns the time until the next search in ms. */
  async #search(signal: AbortSignal): Promise<number> {
    const { store, clock, rules } = this.deps;
    let now = clock.now();
    let claimedMs = clock.monotonicMs();
    let idleLaps = 0;
    while (!signal.aborted) {
      claimedMs = clock.monotonicMs(); // before the claim, so that a pause of the process during it counts
      const permits = this.#permits(claimedMs, idleLaps === 0);
      this.#isFull = permits.free <= 0;
      // The next attempt that ends wakes the pump.
      if (this.#isFull) return Math.min(rules.sweepEveryMs, permits.nextWaitsInMs);
      now = clock.now();
      const { claimed, isFound, isLapEnd, more } = await this.#claim(now, permits);
      for (const notification of claimed) this.#begin(notification, claimedMs);
      if (isFound) idleLaps = 0;
      else if (!more || (isLapEnd && ++idleLaps >= IDLE_LAPS)) break;
    }
    this.#resolveSearchWaiters();
    // After the time of the last claim. After the present time, a notification due in between would be missed.
    const due = await store.nextDueAt(now);
    return Math.min(
      rules.sweepEveryMs,
      due === null ? Infinity : Math.max(0, due.getTime() - clock.now().getTime()),
      this.#nextShareInMs(claimedMs),
    );
  }

  #permits(nowMs: number, isFirstPass: boolean): Permits {
    return permitsOf([...this.#attempts.values()], { concurrency: this.deps.rules.concurrency, nowMs, isFirstPass });
  }

  /**
   * Milliseconds from now until an attempt leaves its permit, seen from the last claim. Infinity below half of the
   * permits: then no project has used up its share.
   */
  #nextShareInMs(claimedMs: number): number {
    const { clock, rules } = this.deps;
    if (this.#attempts.size < Math.floor(rules.concurrency / 2)) return Infinity;
    return Math.max(0, claimedMs + this.#permits(claimedMs, true).nextWaitsInMs - clock.monotonicMs());
  }

  async #claim(now: Date, { free, shares }: Permits): Promise<SearchStep> {
    const { store, rules } = this.deps;
    const before = this.#cursor;
    const { claimed, cursor, more, dropped, toCount } = await store.claim({
      now,
      claimUntil: new Date(now.getTime() + rules.claimMs),
      limit: Math.min(free, MAX_CLAIMED),
      perHost: rules.perHost,
      perHostAndProject: rules.perHostAndProject,
      cursor: before,
      shares,
    });
    this.#cursor = cursor;
    this.#hours.add(toCount);
    // The search among unresponsive hosts starts again, so this lap does not count.
    const hasRestarted = before.unresponsiveAfter !== '' && cursor.unresponsiveAfter === '';
    const isFound = claimed.length > 0 || dropped > 0;
    return { claimed, more, isFound, isLapEnd: cursor.host === '' && !hasRestarted };
  }

  #resolveSearchWaiters(): void {
    for (const resolve of this.#searchWaiters.splice(0)) resolve();
  }

  #begin(notification: ClaimedNotification, claimedMs: number): void {
    const attempt: Promise<void> = this.#attempt(notification, claimedMs)
      .catch((thrown: unknown) =>
        this.deps.log.error('internal error in a delivery attempt; it is repeated when its claim expires', {
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
        if (this.#isFull) this.wake();
      });
    this.#attempts.set(attempt, { notification, beganMs: claimedMs });
  }

  async #attempt(notification: ClaimedNotification, claimedMs: number): Promise<void> {
    const { clock, log, rules, telemetry } = this.deps;
    const startedMs = clock.monotonicMs();
    // After a pause of this process the claim may have expired, and another notifier may send the notification.
    if (startedMs - claimedMs >= rules.claimMs - rules.attemptTimeoutMs) {
      log.warn('notification not sent: its claim is too old', { notificationId: notification.id });
      return;
    }
    const startedAt = clock.now();
    const { receiver, outcome } = await withDeadline(clock, rules.attemptTimeoutMs + SLACK_MS, (signal) =>
      this.#deliver(notification, signal),
    );
    const durationMs = clock.monotonicMs() - startedMs;
    const finished = finishedAttempt(notification, outcome, { startedAt, durationMs }, this.deps);
    telemetry.deliverySeconds.observe(durationMs / 1000);
    // Tests and heartbeats are not counted, so that their failures raise no alert about receivers of alarms.
    const isCounted = !hasOnlyAttempt(notification.kind);
    if (isCounted) telemetry.deliveries.inc({ receiver, outcome: finished.outcome });
    if (isCounted && notification.attempt === 1) {
      telemetry.notificationLatency.observe(
        Math.max(0, clock.now().getTime() - notification.createdAt.getTime()) / 1000,
      );
    }
    this.#recorder.add(finished);
  }

  async #deliver(
    notification: ClaimedNotification,
    signal: AbortSignal,
  ): Promise<{ receiver: string; outcome: DeliveryOutcome }> {
    const { openAction, receivers, log } = this.deps;
    let action: string;
    try {
      action = openAction(notification);
    } catch (thrown) {
      const { id: notificationId, alarmId, attempt } = notification;
      log.error('could not read the secret parts of an action; the attempt will be repeated', {
        notificationId,
        alarmId,
        attempt,
        err: toError(thrown),
      });
      return { receiver: 'unknown', outcome: { kind: 'retry', error: 'no_key' } };
    }
    return receivers.deliver({ ...notification, action }, signal);
  }

  #onRecorded(recorded: readonly RecordedAttempt[]): void {
    const { log } = this.deps;
    for (const { id: notificationId, kind, status, lastError: reason, ...fields } of recorded) {
      const details = { notificationId, ...fields, reason };
      if (kind === 'test') log.info('test of an action ended', { ...details, status });
      else if (kind === 'heartbeat' && status !== 'delivered')
        log.warn('heartbeat notification not delivered', details);
      else if (status === 'pending') log.warn('delivery failed, will try again', details);
      else if (status === 'dead') log.error('notification given up', details);
      else if (status !== 'delivered') log.info('notification dropped', { ...details, status });
    }
    this.wake(); // a permit of the host is free, and the next notification of the delivery queue may be due
  }
}
