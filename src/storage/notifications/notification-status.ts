export const NOTIFICATION_STATUSES = [
  'pending',
  'in_flight',
  'delivered',
  'dead',
  'superseded',
  'cancelled',
  'silenced',
] as const;
export type NotificationStatus = (typeof NOTIFICATION_STATUSES)[number];

/** Statuses of notifications that can be replayed: they ended without being delivered. */
export const REPLAYABLE: readonly NotificationStatus[] = ['dead', 'superseded', 'cancelled', 'silenced'];
