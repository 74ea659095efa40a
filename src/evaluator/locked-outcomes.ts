import type { EvaluationOutcome } from '../storage/evaluation/evaluation-commit.js';
import type { Progress } from './commit-outcomes.js';

/** Times of the locked outcomes. */
export interface LockedOutcomesDeps {
  /** Outcomes of an older evaluation are dropped: the scheduled batches evaluate their alarms anew. */
  maxAgeMs: number;
  /** Called when an outcome is added that is due earlier than the others. */
  wake: () => void;
}

/** Outcomes of one evaluation that are committed again. */
export interface LockedCommit {
  outcomes: readonly EvaluationOutcome[];
  /** The time of the evaluation. */
  at: Date;
}

interface RetriedOutcome {
  readonly at: Date;
  tries: number;
  /** Infinity while a commit tries it. */
  retryAtMs: number;
}

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;

/**
 * The outcomes that could not be committed because another transaction has locked their alarms. They are committed
 * again after pauses that double, up to a limit, until the lock is released, a scheduled batch evaluates their
 * partition anew, or they are too old. Kept in memory only: a new owner of a partition evaluates the alarm anew when
 * it is due.
 */
export class LockedOutcomes {
  readonly #entries = new Map<EvaluationOutcome, RetriedOutcome>();

  constructor(private readonly deps: LockedOutcomesDeps) {}

  /** All such outcomes, also those that a commit tries. */
  get outcomes(): readonly EvaluationOutcome[] {
    return [...this.#entries.keys()];
  }

  /** How such outcomes are committed again. Those that are dropped before their statement are not written. */
  get retries(): Pick<Progress, 'mark' | 'waiting' | 'isWanted'> {
    return {
      mark: 'none',
      waiting: () => this.outcomes,
      isWanted: (outcome) => this.#entries.has(outcome),
    };
  }

  /** The number of alarms with such outcomes. */
  get alarms(): number {
    return new Set(this.outcomes.map(({ alarmId }) => alarmId)).size;
  }

  /** Adds outcomes of an evaluation that a commit found locked. Those that were tried before wait for longer. */
  add(outcomes: readonly EvaluationOutcome[], at: Date, nowMs: number): void {
    if (outcomes.length === 0) return;
    const earlierMs = this.nextMs();
    for (const outcome of outcomes) {
      const tries = this.#entries.get(outcome)?.tries ?? 0;
      const retryAtMs = nowMs + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries);
      this.#entries.set(outcome, { at, tries: tries + 1, retryAtMs });
    }
    if (this.nextMs() < earlierMs) this.deps.wake();
  }

  /** Takes the outcomes that are due, by their evaluations. Drops those that are too old. */
  takeDue(nowMs: number): LockedCommit[] {
    const due = new Map<number, EvaluationOutcome[]>();
    for (const [outcome, entry] of this.#entries) {
      const atMs = entry.at.getTime();
      if (nowMs - atMs >= this.deps.maxAgeMs) this.#entries.delete(outcome);
      else if (entry.retryAtMs <= nowMs) {
        entry.retryAtMs = Infinity;
        const some = due.get(atMs);
        if (some) some.push(outcome);
        else due.set(atMs, [outcome]);
      }
    }
    return [...due].map(([atMs, outcomes]) => ({ outcomes, at: new Date(atMs) }));
  }

  /** A commit has tried these outcomes. Those in `left` wait for the next one; the others are written or refused. */
  tried({ outcomes, at }: LockedCommit, left: readonly EvaluationOutcome[], nowMs: number): void {
    // Without those whose partition was evaluated anew or lost meanwhile.
    const waiting = left.filter((outcome) => this.#entries.has(outcome));
    const still = new Set(waiting);
    for (const outcome of outcomes) if (!still.has(outcome)) this.#entries.delete(outcome);
    this.add(waiting, at, nowMs);
  }

  /** These partitions are evaluated anew, or lost. */
  drop(partitions: Iterable<number>): void {
    const dropped = new Set(partitions);
    for (const outcome of this.#entries.keys()) if (dropped.has(outcome.partition)) this.#entries.delete(outcome);
  }

  /** These alarms are evaluated anew. */
  dropAlarms(alarms: readonly { id: string }[]): void {
    if (this.#entries.size === 0) return;
    const dropped = new Set(alarms.map(({ id }) => id));
    for (const outcome of this.#entries.keys()) if (dropped.has(outcome.alarmId)) this.#entries.delete(outcome);
  }

  /** The time of the next commit; Infinity if there is none. */
  nextMs(): number {
    let next = Infinity;
    for (const { retryAtMs } of this.#entries.values()) next = Math.min(next, retryAtMs);
    return next;
  }
}
