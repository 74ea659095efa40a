import { atMost } from '../../async/deadline.js';
import type { Clock } from '../../clock.js';
import { toError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import { auditEntry, UNKNOWN, type AuditEntry, type AuditFact } from '../../storage/audit/audit-entry.js';
import type { AuditStore } from '../../storage/audit/audit-store.js';
import type { Telemetry } from '../../telemetry.js';
import type { AuditAction } from './audit-actions.js';
import { AuditSampler } from './audit-sampler.js';

/** Dependencies and settings of the recorder. */
export interface AuditRecorderDeps {
  /** Undefined if the trail is not stored (`audit.enabled`). */
  store: Pick<AuditStore, 'append' | 'keepDays'> | undefined;
  /** Number of days after which entries are dropped. */
  keepDays: number;
  /** True if the answer to a write waits until its entry is stored, which costs up to a statement for each write. */
  holdsWriters: boolean;
  /** Writes each entry to the log, too (`audit.log`). */
  logsEntries: boolean;
  clock: Pick<Clock, 'now' | 'monotonicMs' | 'sleep'>;
  log: Logger;
  metrics: Pick<Telemetry, 'auditFailures' | 'auditEntriesLost'>;
}

/** A fact with an action of the API. */
export type RecordedFact = AuditFact & { action: AuditAction };

const FLUSH_AFTER_MS = 250;
const RETRY_AFTER_MS = 5_000;
/** Entries in memory, of about 500 bytes each. */
const MAX_WAITING = 10_000;
const PER_STATEMENT = 500;
/** The longest time that the answer to a write waits for its entry. */
const MAX_WAIT_MS = 1_000;

/**
 * Writes the audit trail in batches: while one is stored, further entries are collected for the next. Entries that
 * cannot be stored are tried again. If too many wait, further ones are lost; a metric and an entry have their number.
 */
export class AuditRecorder {
  #waiting: AuditEntry[] = [];
  #storing = 0;
  #lost = 0;
  #recorded = 0;
  #preparedDay = '';
  #retryAtMs = 0;
  #isArmed = false;
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  readonly #closing = new AbortController();
  readonly #sampler: AuditSampler;

  constructor(private readonly deps: AuditRecorderDeps) {
    this.#sampler = new AuditSampler(deps.clock);
  }

  /**
   * Records a fact. With `sample`, only the first `most` facts of a kind in a minute have an entry each; the others are
   * counted in one entry. Returns true if the fact has an entry of its own.
   */
  record(fact: RecordedFact, sample?: { kind: string; most: number }): boolean {
    const { store, logsEntries } = this.deps;
    if (!store && !logsEntries) return false;
    const entry = this.#entryOf(fact);
    const isAdmitted = !sample || this.#sampler.admits(entry, sample.kind, sample.most);
    if (isAdmitted) this.#add(entry);
    this.#arm();
    return isAdmitted;
  }

  /** The entries of facts, to keep them elsewhere and then `add` them. None if the trail is not stored. */
  entriesOf(facts: readonly RecordedFact[]): AuditEntry[] {
    return this.deps.store ? facts.map((fact) => this.#entryOf(fact)) : [];
  }

  /** Records entries that `entriesOf` has made. */
  add(entries: readonly AuditEntry[]): void {
    for (const entry of entries) this.#add(entry);
    this.#arm();
  }

  /** Stores entries of an earlier request, unless they are stored: its process may have died before. */
  addAgain(entries: readonly AuditEntry[]): void {
    for (const entry of entries) this.#enqueue(entry);
    this.#arm();
  }

  /** For a write: as `stored`, if `holdsWriters`; otherwise resolves at once. Never rejects. */
  async written(): Promise<void> {
    if (this.deps.holdsWriters) await this.stored();
  }

  /** Waits for all entries to be stored, for a second at most, and not while the database fails. Never rejects. */
  async stored(): Promise<void> {
    if (this.#waiting.length + this.#storing === 0 || this.#isRetrying()) return;
    await atMost(this.deps.clock, MAX_WAIT_MS, this.#flush());
  }

  /** Stores the entries that wait, and those that the sampler holds back. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#retryAtMs = 0;
    for (const entry of this.#sampler.take({ all: true })) this.#add(entry);
    await this.#flush();
    const { length: entries } = this.#waiting;
    if (entries > 0) this.deps.log.warn('audit entries are lost: they could not be stored before the end', { entries });
  }

  #entryOf(fact: RecordedFact): AuditEntry {
    return auditEntry(fact, this.deps.clock.now(), (this.#recorded += 1));
  }

  #add(entry: AuditEntry): void {
    const { logsEntries, log } = this.deps;
    if (logsEntries) log.info('audit entry', { ...entry });
    this.#enqueue(entry);
  }

  #enqueue(entry: AuditEntry): void {
    const { store, metrics } = this.deps;
    if (!store) return;
    if (this.#waiting.length + this.#storing < MAX_WAITING) {
      this.#waiting.push(entry);
      return;
    }
    this.#lost += entry.count;
    metrics.auditEntriesLost.inc(entry.count);
  }

  #isRetrying(): boolean {
    return this.deps.clock.monotonicMs() < this.#retryAtMs;
  }

  #arm(): void {
    if (this.#isArmed || this.#closing.signal.aborted) return;
    this.#isArmed = true;
    void this.deps.clock.sleep(this.#isRetrying() ? RETRY_AFTER_MS : FLUSH_AFTER_MS, this.#closing.signal).then(() => {
      this.#isArmed = false;
      if (!this.#closing.signal.aborted) this.#tick();
    });
  }

  #tick(): void {
    for (const entry of this.#sampler.take()) this.#add(entry);
    void this.#flush();
    if (this.#sampler.holdsEntries) this.#arm();
  }

  /** Starts a batch when the current one has ended. All callers until then share it. */
  #flush(): Promise<void> {
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      return (this.#current = this.#storeWaiting());
    });
    return this.#next;
  }

  async #storeWaiting(): Promise<void> {
    if (this.#waiting.length === 0) return;
    if (this.#isRetrying()) return this.#arm();
    const { clock, log, metrics } = this.deps;
    const batch = this.#takeBatch();
    this.#storing = batch.length;
    try {
      await this.#prepareDays();
      for (; batch.length > 0; batch.splice(0, PER_STATEMENT)) {
        await this.deps.store?.append(batch.slice(0, PER_STATEMENT));
      }
    } catch (thrown) {
      metrics.auditFailures.inc();
      log.warn('could not store the audit trail; will retry', { entries: batch.length, err: toError(thrown) });
      this.#waiting = [...batch, ...this.#waiting];
      this.#retryAtMs = clock.monotonicMs() + RETRY_AFTER_MS;
      this.#arm();
    } finally {
      this.#storing = 0;
    }
  }

  #takeBatch(): AuditEntry[] {
    const batch = this.#waiting;
    this.#waiting = [];
    if (this.#lost > 0) {
      batch.push({ ...auditEntry(LOSS, this.deps.clock.now()), count: this.#lost });
      this.#lost = 0;
    }
    return batch;
  }

  /** Once a day: makes the partitions of the coming days and drops old ones. */
  async #prepareDays(): Promise<void> {
    const { store, clock, keepDays, log } = this.deps;
    const now = clock.now();
    const day = now.toISOString().slice(0, 'YYYY-MM-DD'.length);
    if (day === this.#preparedDay) return;
    const dropped = await store?.keepDays(now, keepDays);
    this.#preparedDay = day;
    if (dropped) log.info('dropped days of the audit trail', { days: dropped });
  }
}

const LOSS: RecordedFact = { ...UNKNOWN, action: 'audit.lose', outcome: 'failed' };
