import { createHash } from 'node:crypto';

/** The number of partitions; the table `partitions` has one row each. */
export const PARTITION_COUNT = 256;

const POINTS_PER_MEMBER = 100;
/**
 * How far above its fair share a member may be. The promise is 1.15. With 1.05 the smallest share of a ring of up to
 * five members stays above 0.75 of the fair one; with 1.15 one such ring in eight has a member below that. The cost is
 * small: when a member joins a ring of n, 1.0/n of the partitions move on average for small n, and 1.8/n at n = 20 (1.0
 * to 1.3 with 1.15; measured over random members).
 */
const OVERLOAD = 1.05;
const HASH_BYTES = 6; // the most that fits a number exactly

interface RingPoint {
  at: number;
  member: string;
}

/** The member of each partition, by its number. Empty if there are no members. */
export type Ring = readonly string[];

/**
 * Assigns partitions by consistent hashing with bounded loads: each goes to the next member clockwise that is not full.
 * It is a pure function of the set of members. The ring says which member *should* own a partition. Processes that see
 * different members disagree for a while; until then the epoch in the database keeps two of them from writing to the
 * same partition.
 */
export function buildRing(memberIds: readonly string[]): Ring {
  const members = [...new Set(memberIds)];
  if (members.length === 0) return [];
  const points = pointsOf(members);
  const room = new Map(members.map((member) => [member, Math.ceil((OVERLOAD * PARTITION_COUNT) / members.length)]));
  return Array.from({ length: PARTITION_COUNT }, (_, partition) => {
    const owner = nextWithRoom(points, hash(`partition ${partition}`), room);
    room.set(owner, (room.get(owner) ?? 0) - 1);
    return owner;
  });
}

/** The partitions that the ring assigns to this member. */
export function shareOf(ring: Ring, member: string): number[] {
  return ring.flatMap((owner, partition) => (owner === member ? [partition] : []));
}

function pointsOf(members: readonly string[]): RingPoint[] {
  return members
    .flatMap((member) =>
      Array.from({ length: POINTS_PER_MEMBER }, (_, index) => ({ at: hash(`${member} ${index}`), member })),
    )
    .sort((a, b) => a.at - b.at || (a.member < b.member ? -1 : 1));
}

function nextWithRoom(points: readonly RingPoint[], from: number, room: ReadonlyMap<string, number>): string {
  const start = firstAtOrAfter(points, from);
  for (let step = 0; step < points.length; step++) {
    const { member } = points[(start + step) % points.length] as RingPoint;
    if ((room.get(member) ?? 0) > 0) return member;
  }
  throw new Error('the members of a ring have room for all partitions'); // shares are rounded up, so this cannot be
}

function firstAtOrAfter(points: readonly RingPoint[], at: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle] as RingPoint).at < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function hash(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, HASH_BYTES);
}
