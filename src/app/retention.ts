import type { Config } from '../config/schema.js';
import type { Chore } from '../housekeeping.js';
import type { Database } from '../storage/database.js';
import {
  createNotificationRetention,
  type NotificationRetention,
} from '../storage/retention/notification-retention.js';
import { createRetentionStore, PRUNE_BATCH } from '../storage/retention/retention-store.js';
import { createSilenceStore } from '../storage/silences/silence-store.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Tombstones are kept at least this long, even if all evaluators have seen them. */
const KEEP_TOMBSTONES_MS = 60_000;
/** Silences that are over are kept this long, so that they can be read and made again. */
const KEEP_SILENCES_MS = 30 * DAY_MS;
/** Most silences of one call. The chore repeats a call that reaches this number. */
const SILENCES_AT_ONCE = 500;
/** A host without a call for this time is forgotten, and counts as new. */
const KEEP_HOSTS_MS = DAY_MS;

/** Deletes what is older than its retention. */
export function retentionChores(config: Config, db: Database): Chore[] {
  const { retention: samples, prune_every: everyMs } = config.meters;
  const { keep_for: history } = config.history;
  const store = createRetentionStore(db);
  const silences = createSilenceStore(db);
  const pruneNotifications = createNotificationRetention(db);
  const old = (name: string, keepMs: number, prune: (before: Date) => Promise<number>, batch = PRUNE_BATCH): Chore => ({
    name,
    everyMs,
    batch,
    run: (now) => prune(before(now, keepMs)),
  });
  return [
    old('samples', samples, store.pruneSamples),
    old('meters of resources', samples, store.pruneMeterResources),
    old('events', config.events.retention, store.pruneEvents),
    ...(history === undefined ? [] : [old('history', history, store.pruneHistory)]),
    old('silences', KEEP_SILENCES_MS, silences.prune, SILENCES_AT_ONCE),
    old('tombstones', KEEP_TOMBSTONES_MS, store.pruneTombstones),
    { name: 'notifications', everyMs, batch: PRUNE_BATCH, run: (now) => pruneNotifications(limitsOf(config, now)) },
  ];
}

function limitsOf({ notifier }: Config, now: Date): NotificationRetention {
  return {
    delivered: before(now, notifier.keep_delivered),
    repeats: before(now, notifier.keep_repeats),
    dead: before(now, notifier.keep_dead),
    hosts: before(now, KEEP_HOSTS_MS),
    holds: now,
    hours: before(now, HOUR_MS),
  };
}

function before(now: Date, ageMs: number): Date {
  return new Date(now.getTime() - ageMs);
}
