import type { ClaimedNotification } from '../storage/notifications/claimed-notification.js';
import { placeOf, type PermitShares } from '../storage/notifications/permit-pool.js';

/** An attempt under way, and when it began: milliseconds of the monotonic clock. */
export interface AttemptUnderWay {
  notification: Pick<ClaimedNotification, 'projectId' | 'host' | 'isHostResponsive'>;
  beganMs: number;
}

/** The permits of a notifier at a moment. */
export interface Permits {
  /** Attempts that may begin. */
  free: number;
  /** Milliseconds until the next attempt waits, and leaves its permit; Infinity if none will. */
  nextWaitsInMs: number;
  shares: PermitShares;
}

/** An attempt without an answer for so long waits. Most receivers answer sooner. */
const WAITS_AFTER_MS = 1_000;
/** Attempts that can wait beside those that hold permits, for each permit. */
const WAITING_PER_PERMIT = 4;

/**
 * Computes the permits from the attempts under way. An attempt that waits for its receiver leaves its permit to others,
 * as long as there is room for waiting ones; one project gets half of this room. Once as many wait as half of all
 * permits, a project gets no more for hosts at which it has waiting attempts, so that hosts which hang do not fill the
 * room.
 *
 * Unresponsive hosts get a quarter of all permits; a fifth of that quarter is reserved for projects that hold none of
 * it. One project gets at most half of all permits.
 */
export function permitsOf(
  underWay: readonly AttemptUnderWay[],
  { concurrency, nowMs, isFirstPass }: { concurrency: number; nowMs: number; isFirstPass: boolean },
): Permits {
  const isWaiting = ({ beganMs }: AttemptUnderWay): boolean => nowMs - beganMs >= WAITS_AFTER_MS;
  const waiting = underWay.filter(isWaiting);
  const room = concurrency * WAITING_PER_PERMIT;
  const excused = excusedOf(waiting, room);
  const sumExcused = sum(excused);
  const unresponsive = underWay.filter(({ notification }) => !notification.isHostResponsive);
  const unresponsiveInAll = partOf(concurrency, 4);
  const nextWaitsAtMs = Math.min(...underWay.map(({ beganMs }) => beganMs + WAITS_AFTER_MS).filter((at) => at > nowMs));
  return {
    free: concurrency - (underWay.length - sumExcused),
    nextWaitsInMs: sumExcused < room ? Math.ceil(nextWaitsAtMs - nowMs) : Infinity,
    shares: {
      unresponsive: unresponsiveInAll - unresponsive.length,
      unresponsiveInAll,
      unresponsiveReserved: Math.floor(unresponsiveInAll / 5),
      perProject: partOf(concurrency, 2),
      held: without(countByProject(underWay), excused),
      heldUnresponsive: countByProject(unresponsive),
      slow: new Set(
        waiting.length >= partOf(concurrency, 2) ? waiting.map(({ notification }) => placeOf(notification)) : [],
      ),
      isFirstPass,
    },
  };
}

/** How many waiting attempts of each project leave their permits: as many as there is room for. */
function excusedOf(waiting: readonly AttemptUnderWay[], room: number): Map<string, number> {
  const counts = new Map<string, number>();
  let left = room;
  for (const { notification } of waiting) {
    const project = notification.projectId ?? '';
    const count = counts.get(project) ?? 0;
    if (left === 0 || count >= partOf(room, 2)) continue;
    counts.set(project, count + 1);
    left -= 1;
  }
  return counts;
}

function partOf(permits: number, divisor: number): number {
  return Math.max(1, Math.floor(permits / divisor));
}

function countByProject(attempts: readonly AttemptUnderWay[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { notification } of attempts) {
    const project = notification.projectId ?? '';
    counts.set(project, (counts.get(project) ?? 0) + 1);
  }
  return counts;
}

function without(counts: ReadonlyMap<string, number>, fewer: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...counts].map(([project, count]) => [project, count - (fewer.get(project) ?? 0)]));
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
