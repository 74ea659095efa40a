import { pythonJson } from '../../python-json.js';
import type { AlarmType } from '../alarm-type.js';
import { noOptionAllowed } from '../threshold-judgement.js';
import { explainEvent, type EventFindings } from './evaluate.js';
import { EventRule } from './schema.js';

export const event: AlarmType<EventRule, EventFindings> = {
  schema: EventRule,
  judgedBy: 'events',
  repeatsWhileUnknown: false,
  ruleJson: ({ event_type, query }) => pythonJson({ event_type, query: query.map((item) => ({ ...item })) }),
  // Aodh takes the parts of a condition from a request in this order.
  historyJson: ({ event_type, query }) =>
    pythonJson({ event_type, query: query.map(({ field, op, type, value }) => ({ field, op, type, value })) }),
  defaultDescription: ({ event_type, described }) => `Alarm when ${described ?? event_type} event occurred.`,
  members: () => [],
  scopedTo: (rule) => rule,
  backends: () => [],
  seriesNeeded: () => [],
  optionProblem: (_, options) => noOptionAllowed(options, 'event'),
  evaluate: () => {
    throw new Error('an event alarm is judged by events as they come in, not by looking');
  },
  explain: explainEvent,
};
