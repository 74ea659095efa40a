import type { ClaimedNotification } from '../storage/notifications/claimed-notification.js';
import type { PermitShares } from '../storage/notifications/permit-pool.js';

/**
 * Computes the shares of a notifier's permits from its attempts under way. Unresponsive hosts get a quarter of all
 * permits; a fifth of that quarter is reserved for projects that hold none of it. One project gets at most half of all
 * permits.
 */
export function permitSharesOf(
  underWay: readonly Pick<ClaimedNotification, 'projectId' | 'isHostResponsive'>[],
  concurrency: number,
  isFirstPass: boolean,
): PermitShares {
  const unresponsive = underWay.filter(({ isHostResponsive }) => !isHostResponsive);
  const unresponsiveInAll = partOf(concurrency, 4);
  return {
    unresponsive: unresponsiveInAll - unresponsive.length,
    unresponsiveInAll,
    unresponsiveReserved: Math.floor(unresponsiveInAll / 5),
    perProject: partOf(concurrency, 2),
    held: countByProject(underWay),
    heldUnresponsive: countByProject(unresponsive),
    isFirstPass,
  };
}

function partOf(permits: number, divisor: number): number {
  return Math.max(1, Math.floor(permits / divisor));
}

function countByProject(attempts: readonly { projectId: string | null }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { projectId } of attempts) counts.set(projectId ?? '', (counts.get(projectId ?? '') ?? 0) + 1);
  return counts;
}
