import type { Ring } from './ring.js';

/** A member takes no more partitions while this many are not loaded. With a million alarms they have 125,000. */
export const TAKEN_AT_ONCE = 32;

/** A partition as the database shows it. */
export interface OwnedPartition {
  id: number;
  epoch: number;
  /** Null: no member owns it. */
  owner: string | null;
  /** True if the owner has said in this epoch that the alarms are in its memory, or if its release does not say it. */
  isLoaded: boolean;
}

/** What a member knows when it looks for partitions to release. */
export interface HandOverView {
  /** The member that should own each partition. */
  owners: Ring;
  memberId: string;
  /** Partitions that this member works on. */
  held: { has(id: number): boolean };
  isBusy: (id: number) => boolean;
}

/**
 * The partitions that this member releases now: those that the ring gives to others, but to each of them only as many
 * as it can take and load at once. A member that does not get on with loading gets no more, and the rest is evaluated
 * here meanwhile. Several members may release to one at the same time, so each gives its part.
 */
export function handOver(all: readonly OwnedPartition[], view: HandOverView): number[] {
  const { owners, memberId, held, isBusy } = view;
  const givers = Math.max(1, new Set(owners).size - 1);
  const waiting = waitingOf(all, owners);
  const given = new Map<string, number>();
  const leaving = all.filter(({ id, owner }) => owner === memberId && owners[id] !== memberId && !isBusy(id));
  // Partitions that are not evaluated here go first.
  leaving.sort((a, b) => Number(a.isLoaded) - Number(b.isLoaded) || a.id - b.id);
  return leaving.flatMap(({ id }) => {
    // This member owns it without working on it: the answer to an earlier release or take was lost.
    if (!held.has(id)) return [id];
    const to = owners[id] ?? '';
    const room = Math.ceil((TAKEN_AT_ONCE - (waiting.get(to) ?? 0)) / givers);
    const before = given.get(to) ?? 0;
    if (before >= room) return [];
    given.set(to, before + 1);
    return [id];
  });
}

/**
 * For each member, the partitions that it has not loaded: those that it owns, and those that it will take, since they
 * have no owner or that of a member that is gone.
 */
function waitingOf(all: readonly OwnedPartition[], owners: Ring): ReadonlyMap<string, number> {
  const members = new Set(owners);
  const waiting = new Map<string, number>();
  for (const { id, owner, isLoaded } of all) {
    const isOwned = owner !== null && members.has(owner);
    if (isOwned && isLoaded) continue;
    const member = (isOwned ? owner : owners[id]) ?? '';
    waiting.set(member, (waiting.get(member) ?? 0) + 1);
  }
  return waiting;
}
