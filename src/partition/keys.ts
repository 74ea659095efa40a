/**
 * Every Redis key of the evaluators' membership. The braces keep what one script touches on one node of a Redis
 * cluster.
 */
export function partitionKeys(prefix: string): PartitionKeys {
  return {
    members: `${prefix}:{partition}:members`,
    version: `${prefix}:{partition}:version`,
    changed: `${prefix}:{partition}:changed`,
  };
}

export interface PartitionKeys {
  /**
   * ZSET: member id → last heartbeat in ms of Redis' own clock. Each heartbeat removes those older than the lease; no
   * expiry.
   */
  members: string;
  /**
   * Integer: rises with each join, leave and removal. It is in the logs, to tell in which order things were seen; no
   * expiry.
   */
  version: string;
  /**
   * Channel, not a key: what has changed, and for whom. A hint to look at once; who misses it finds out at the next
   * heartbeat.
   */
  changed: string;
}
