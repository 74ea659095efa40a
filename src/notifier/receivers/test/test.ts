import type { Delivery, Receiver } from '../receiver.js';

/** Only the latest are kept: the process must not grow by what nobody reads. */
const KEPT = 1_000;

/** `test://`: kept in the memory of the process, as Aodh's notifier does. */
export function createTestReceiver(): Receiver & { readonly delivered: readonly Delivery[] } {
  const delivered: Delivery[] = [];
  return {
    delivered,
    async deliver(delivery) {
      delivered.push(delivery);
      if (delivered.length > KEPT) delivered.shift();
      return { kind: 'delivered' };
    },
  };
}
