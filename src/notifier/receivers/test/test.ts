import type { Delivery, Receiver } from '../receiver.js';

/** Most deliveries kept in memory; older ones are dropped. */
const MAX_KEPT = 1_000;

/** Receiver of `test://` actions: keeps deliveries in memory, like Aodh's notifier of that name. */
export function createTestReceiver(): Receiver & { readonly delivered: readonly Delivery[] } {
  const delivered: Delivery[] = [];
  return {
    delivered,
    async deliver(delivery) {
      delivered.push(delivery);
      if (delivered.length > MAX_KEPT) delivered.shift();
      return { kind: 'delivered' };
    },
  };
}
