import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { AuditRecorder } from '../../../src/api/audit/audit-recorder.js';
import { AuditSampler } from '../../../src/api/audit/audit-sampler.js';
import { auditEntry, UNKNOWN, type AuditEntry } from '../../../src/storage/audit/audit-entry.js';
import { silentLogger, type Logger } from '../../../src/logger.js';
import { createTelemetry, type Telemetry } from '../../../src/telemetry.js';
import { FakeClock } from '../../support/fake-clock.js';

const FACT = { ...UNKNOWN, action: 'alarm.create', outcome: 'done' } as const;
const MOST_WAITING = 10_000;
const RETRY_MS = 5_000;

let clock: FakeClock;
let telemetry: Telemetry;
let messages: string[];
let stored: AuditEntry[][];
let days: string[];
let isBroken: boolean;
/** Holds statements back until it is called. */
let release: (() => void) | undefined;
let recorder: AuditRecorder;

const store = {
  async append(entries: readonly AuditEntry[]): Promise<void> {
    if (release) await new Promise<void>((resolve) => (release = resolve));
    if (isBroken) throw new Error('the database is gone');
    stored.push([...entries]);
  },
  keepDays(now: Date): Promise<number> {
    days.push(now.toISOString().slice(0, 10));
    return Promise.resolve(0);
  },
};
const record = (times: number): void => {
  for (let n = 0; n < times; n += 1) recorder.record(FACT);
};
const count = async (name: 'auditFailures' | 'auditEntriesLost'): Promise<number> =>
  (await telemetry[name].get()).values[0]?.value ?? 0;
const open = (given: { logsEntries?: boolean; isStored?: boolean; holdsWriters?: boolean } = {}): AuditRecorder =>
  new AuditRecorder({
    store: given.isStored === false ? undefined : store,
    keepDays: 90,
    holdsWriters: given.holdsWriters ?? true,
    logsEntries: given.logsEntries ?? false,
    clock,
    log: loggerInto(messages),
    metrics: telemetry,
  });

function loggerInto(lines: string[]): Logger {
  const add = (message: string): void => void lines.push(message);
  return { ...silentLogger, info: add, warn: add };
}

beforeEach(() => {
  clock = new FakeClock();
  telemetry = createTelemetry();
  messages = [];
  [stored, days, isBroken, release] = [[], [], false, undefined];
  recorder = open();
});
afterEach(() => recorder.close());

describe('the recorder of the audit trail', () => {
  test('stores entries within a quarter of a second, in one statement', async () => {
    record(3);
    await clock.advance(249);
    expect(stored).toEqual([]);
    await clock.advance(1);
    expect(stored.map((batch) => batch.length)).toEqual([3]);
  });

  test('with holdsWriters false, no writer waits, and its entry is stored with the next batch', async () => {
    await recorder.close();
    recorder = open({ holdsWriters: false });
    record(1);
    await recorder.written();
    expect(stored).toEqual([]);
    await clock.advance(250);
    expect(stored.flat()).toHaveLength(1);
  });

  test('stores at once for a writer that waits, and collects for the others meanwhile', async () => {
    release = (): void => {};
    record(1);
    const first = recorder.written();
    await clock.advance(0);
    record(2);
    const others = Promise.all([recorder.written(), recorder.written()]);
    await clock.advance(0);
    const go = release;
    release = undefined;
    go();
    await Promise.all([first, others]);
    expect(stored.map((batch) => batch.length)).toEqual([1, 2]);
  });

  test('no writer waits for longer than a second', async () => {
    release = (): void => {};
    record(1);
    let isAnswered = false;
    const waiting = recorder.stored().then(() => (isAnswered = true));
    await clock.advance(999);
    expect(isAnswered).toBe(false);
    await clock.advance(1);
    await waiting;
    const go = release;
    release = undefined;
    go();
  });

  test('stores entries again that could not be stored, and no writer waits meanwhile', async () => {
    isBroken = true;
    record(2);
    await recorder.stored();
    expect(await count('auditFailures')).toBe(1);
    expect(messages).toEqual(['could not store the audit trail; will retry']);
    record(1);
    await recorder.stored();
    expect(await count('auditFailures')).toBe(1);
    isBroken = false;
    await clock.advance(RETRY_MS + 250);
    expect(stored.map((batch) => batch.length)).toEqual([3]);
  });

  test('holds a bounded number of entries, counts those that are lost, and an entry has their number', async () => {
    isBroken = true;
    record(1);
    await recorder.stored();
    record(MOST_WAITING + 41);
    expect(await count('auditEntriesLost')).toBe(42);
    isBroken = false;
    await clock.advance(RETRY_MS + 250);
    const entries = stored.flat();
    expect(entries).toHaveLength(MOST_WAITING + 1);
    expect(entries.at(-1)).toMatchObject({ action: 'audit.lose', outcome: 'failed', count: 42 });
    expect(new Set(entries.map(({ id }) => id)).size).toBe(MOST_WAITING + 1);
  });

  test('prepares the days once a day', async () => {
    record(1);
    await recorder.stored();
    record(1);
    await recorder.stored();
    await clock.advance(12 * 3_600_000);
    record(1);
    await recorder.stored();
    expect(days).toEqual(['2026-01-01', '2026-01-02']);
  });

  test('stores waiting entries and the counts of the sampler at the end', async () => {
    for (let n = 0; n < 5; n += 1) recorder.record(FACT, { kind: 'a', most: 2 });
    await recorder.close();
    expect(stored.flat().map((entry) => entry.count)).toEqual([1, 1, 3]);
  });

  test('logs at the end how many entries could not be stored', async () => {
    isBroken = true;
    record(3);
    await recorder.close();
    expect(messages).toContain('audit entries are lost: they could not be stored before the end');
  });

  test('with logsEntries, writes entries to the log, also without the database', async () => {
    await recorder.close();
    recorder = open({ logsEntries: true, isStored: false });
    record(1);
    await recorder.stored();
    expect(messages).toEqual(['audit entry']);
    expect(stored).toEqual([]);
  });

  test('records nothing if the trail is turned off', async () => {
    await recorder.close();
    recorder = open({ isStored: false });
    expect(recorder.record(FACT)).toBe(false);
    expect(clock.sleeping).toBe(0);
  });
});

describe('the sampler of the audit trail', () => {
  const entry = (): AuditEntry => auditEntry(FACT, clock.now());

  test('has a limit for each kind and minute', async () => {
    const sampler = new AuditSampler(clock);
    const admitted = (kind: string): boolean => sampler.admits(entry(), kind, 1);
    expect([admitted('a'), admitted('a'), admitted('b'), admitted('b')]).toEqual([true, false, true, false]);
    await clock.advance(59_999);
    expect(sampler.take()).toEqual([]);
    await clock.advance(1);
    expect(sampler.take().map((held) => held.count)).toEqual([1, 1]);
    expect([admitted('a'), sampler.holdsEntries]).toEqual([true, false]);
  });

  test('remembers a bounded number of kinds and loses no entry of those that it forgets', () => {
    const sampler = new AuditSampler(clock);
    for (let n = 0; n < 2 * 10_005; n += 1) sampler.admits(entry(), `${Math.floor(n / 2)}`, 1);
    expect(sampler.take()).toHaveLength(5);
    expect(sampler.take({ all: true })).toHaveLength(10_000);
  });
});
