/** The Redis keys of the membership. The braces put the keys of one script on one node of a Redis cluster. */
export function partitionKeys(prefix: string): PartitionKeys {
  return {
    members: `${prefix}:{partition}:members`,
    version: `${prefix}:{partition}:version`,
    changed: `${prefix}:{partition}:changed`,
  };
}

/** The full names, prefix included. */
export interface PartitionKeys {
  /**
   * ZSET: member id → last heartbeat, in ms of the Redis clock. Each heartbeat removes members older than the lease; no
   * expiry.
   */
  members: string;
  /**
   * Integer: rises with each join, leave and removal. Logged, so that logs of several members can be ordered; no
   * expiry.
   */
  version: string;
  /**
   * A pub/sub channel. A message says what has changed, and that members should send a heartbeat now. A lost message
   * costs a heartbeat interval.
   */
  changed: string;
}
