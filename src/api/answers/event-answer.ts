import { z } from 'zod';

import type { EventReceipt } from '../alarms/event-intake.js';

/** The receipt for events. */
export const EventsAnswer = z.strictObject({
  received: z.int(),
  duplicates: z.int(),
  alarms_fired: z.int(),
  alarms_waiting: z.int().meta({
    description:
      'Alarms that the events will fire when another transaction, such as an edit, releases them. All is stored: do ' +
      'not send the events again.',
  }),
});
export type EventsAnswer = z.infer<typeof EventsAnswer>;

/** The answer to events. */
export function eventsAnswer({ received, duplicates, fired, waiting }: EventReceipt): EventsAnswer {
  return { received, duplicates, alarms_fired: fired, alarms_waiting: waiting };
}
