import type { ClaimedNotification } from '../storage/notifications/claimed-notification.js';
import type { PermitShares } from '../storage/notifications/fair-choice.js';

/**
 * The shares of a notifier's slots, given its attempts under way: hosts that do not answer get a quarter in all, of
 * which a fifth is kept for projects that hold none of it; one project gets half of all slots at most.
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

function partOf(slots: number, divisor: number): number {
  return Math.max(1, Math.floor(slots / divisor));
}

function countByProject(attempts: readonly { projectId: string | null }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { projectId } of attempts) counts.set(projectId ?? '', (counts.get(projectId ?? '') ?? 0) + 1);
  return counts;
}
