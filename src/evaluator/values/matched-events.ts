import { createOpenTimesSource } from '../../alarm/time-constraint/open-times.js';
import { eventMatcher } from '../../alarm/types/event/evaluate.js';
import type { AlarmEvent } from '../../alarm/types/event/event.js';
import type { EventRule } from '../../alarm/types/event/schema.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-row.js';
import type { EventPlace, StoredEvents } from '../../storage/evaluation/stored-events.js';

/** Events that match the rule of an alarm and were received within its time constraints, newest first. */
export interface MatchedEvents {
  events: { event: AlarmEvent; receivedAt: Date }[];
  /** The events since this time were looked at: the start of the span, or later if there are too many events. */
  searchedSince: Date;
}

/** Most slices of stored events that are read: 10,000 events of all projects. */
const MOST_SLICES = 50;
/** Most matching events. */
const MOST_MATCHED = 500;

/** An event alarm and a time span. */
export interface MatchedEventsQuery {
  alarm: Pick<StoredAlarm, 'projectId' | 'timeConstraints'>;
  rule: EventRule;
  start: Date;
  stop: Date;
}

/** Finds the stored events that match an alarm, as the judgement of incoming events does. */
export async function matchedEvents(
  { slice }: StoredEvents,
  { alarm, rule, start, stop }: MatchedEventsQuery,
  signal: AbortSignal,
): Promise<MatchedEvents> {
  const matcher = eventMatcher(rule);
  const openTimes = createOpenTimesSource().of(alarm.timeConstraints);
  const span = { projectId: alarm.projectId ?? '', start, stop };
  const matched: MatchedEvents['events'] = [];
  let before: EventPlace | undefined;
  for (let slices = 0; slices < MOST_SLICES && !signal.aborted; slices += 1) {
    const { events, last } = await slice({ ...span, before });
    for (const { event, receivedAt } of events) {
      if (!matcher.watches(event.eventType) || !matcher.holds(event) || !openTimes.isOpen(receivedAt)) continue;
      matched.push({ event, receivedAt });
      if (matched.length === MOST_MATCHED) return { events: matched, searchedSince: receivedAt };
    }
    if (last === undefined) return { events: matched, searchedSince: start };
    before = last;
  }
  return { events: matched, searchedSince: before?.receivedAt ?? stop };
}
