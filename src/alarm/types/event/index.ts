import { pythonJson, type PythonValue } from '../../wire/python-json.js';
import { pythonText } from '../../wire/wire-types.js';
import type { ReasonWriter } from '../../decide.js';
import type { AlarmKindDefinition } from '../alarm-type.js';
import { noOptionAllowed } from '../option-problems.js';
import { explainEvent, type EventFindings } from './evaluate.js';
import { EventRule } from './schema.js';

/** Keys in Aodh's order, followed by the keys that only Tocsin stores. */
function ruleText(
  eventType: string | null,
  { query }: EventRule,
  more: Readonly<Record<string, PythonValue>> = {},
): string {
  return pythonJson({ event_type: eventType, query: query.map((item) => ({ ...item })), ...more });
}

/** The keys of conditions in the order of Aodh's history, which is the order of its request parser. */
function inHistoryOrder(rule: EventRule): EventRule {
  return { ...rule, query: rule.query.map(({ field, op, type, value }) => ({ field, op, type, value })) };
}

function sentEventType({ event_type, sent_event_type }: EventRule): string | null {
  return sent_event_type === undefined ? event_type : sent_event_type;
}

/** Judged by the API when an event comes in, so evaluators have nothing to evaluate. */
export const event: AlarmKindDefinition<EventRule> & ReasonWriter<EventFindings> = {
  schema: EventRule,
  judgedBy: 'events',
  repeatsWhileUnknown: false,
  ruleJson: (rule) =>
    ruleText(rule.event_type, rule, 'sent_event_type' in rule ? { sent_event_type: rule.sent_event_type } : {}),
  shownJson: (rule) => ruleText(rule.event_type, rule),
  historyJson: (rule) => ruleText(sentEventType(rule), inHistoryOrder(rule)),
  historyBeforeJson: (rule) => ruleText(rule.event_type, inHistoryOrder(rule)),
  defaultDescription: (rule) => `Alarm when ${pythonText(sentEventType(rule))} event occurred.`,
  members: () => [],
  scopedTo: (rule) => rule,
  backends: () => [],
  seriesNeeded: () => [],
  optionProblem: (_, options) => noOptionAllowed(options, 'event'),
  explain: explainEvent,
};
