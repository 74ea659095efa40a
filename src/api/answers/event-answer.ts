import { z } from 'zod';

import type { EventReceipt } from '../alarms/event-intake.js';

/** The receipt for events. */
export const EventsAnswer = z.strictObject({ received: z.int(), duplicates: z.int(), alarms_fired: z.int() });
export type EventsAnswer = z.infer<typeof EventsAnswer>;

/** The answer to events. */
export function eventsAnswer({ received, duplicates, fired }: EventReceipt): EventsAnswer {
  return { received, duplicates, alarms_fired: fired };
}
