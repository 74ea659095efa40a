import type { Database } from '../database.js';
import type { Scope } from '../scope.js';
import {
  CANDIDATES_AT_ONCE,
  firstPosition,
  followingIndexes,
  readCandidates,
  withoutRemoved,
  type ReplayFilter,
  type ReplayPosition,
} from './replay-candidates.js';

/** The notifications that a replay by filter would send again. */
export interface ReplayPreview {
  notifications: number;
  /** Number of notifications that would be left out, since an edit has removed their action. */
  removed: number;
  /** Number of notifications of each receiver, by `NotificationRecord.host`. */
  receivers: ReadonlyMap<string, number>;
  /** False if there are more than are counted. */
  isComplete: boolean;
}

/** Bounds of a preview. */
export interface PreviewLimits {
  /** Most notifications that are counted. */
  mostCounted: number;
  /** Most notifications of the status that are read, whether they match or not. */
  mostRead: number;
  /** When it aborts, nothing more is counted: the reader has left. */
  signal?: AbortSignal | undefined;
}

const LIMITS = { mostCounted: 10_000, mostRead: 50_000 };

/** Counts the notifications that a replay would send again without the hourly limit. Changes nothing. */
export async function previewReplay(
  db: Database,
  scope: Scope,
  filter: ReplayFilter,
  limits: Partial<PreviewLimits> = {},
): Promise<ReplayPreview> {
  const { mostCounted, mostRead, signal } = { ...LIMITS, ...limits };
  const receivers = new Map<string, number>();
  const counts = { notifications: 0, removed: 0, read: 0 };
  let after: ReplayPosition | undefined = firstPosition(scope);
  while (after && counts.notifications < mostCounted && counts.read < mostRead && !signal?.aborted) {
    const place: ReplayPosition = after;
    const { page, wanted, removed } = await followingIndexes(db, async (sql) => {
      const candidates = await readCandidates(sql, scope, filter, place);
      return { page: candidates, ...(await withoutRemoved(sql, candidates)) };
    });
    for (const { host } of wanted) receivers.set(host, (receivers.get(host) ?? 0) + 1);
    counts.notifications += wanted.length;
    counts.removed += removed;
    counts.read += page.length;
    after = page.length < CANDIDATES_AT_ONCE ? undefined : page.at(-1);
  }
  return { notifications: counts.notifications, removed: counts.removed, receivers, isComplete: after === undefined };
}
