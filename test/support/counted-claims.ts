import type { HourRules, NumbersByProject } from '../../src/storage/notifications/hourly-limit-store.js';
import type { NotificationClaimStore } from '../../src/storage/notifications/notification-claim-store.js';

/** Counts as a notifier does once. Returns the projects that reach their limit, and what is still to be counted. */
export async function countOnce(
  store: NotificationClaimStore,
  toCount: NumbersByProject,
  rules: HourRules,
): Promise<{ limited: string[]; left: NumbersByProject }> {
  const limited: string[] = [];
  let left = toCount;
  for (const count of [store.addToHours, store.beginHours]) {
    const counted = await count(left, rules);
    limited.push(...counted.limited);
    left = new Map([...left].filter(([project]) => !counted.projects.has(project)));
  }
  return { limited, left };
}
