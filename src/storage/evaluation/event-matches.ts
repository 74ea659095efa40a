import type { OpenTimesSource } from '../../alarm/time-constraint/open-times.js';
import { eventMatcher, type EventMatcher } from '../../alarm/types/event/evaluate.js';
import type { AlarmEvent } from '../../alarm/types/event/event.js';
import type { EventRule } from '../../alarm/types/event/schema.js';
import { createScanResistantCache } from '../../cache/scan-resistant-cache.js';

/** Characters of the rules whose matchers are kept. Together with the matchers they use some ten megabytes. */
const MAX_CHARACTERS = 4_000_000;

/** SQL for the columns of `EventAlarmRow`, from `alarms a`. */
export const EVENT_ALARM_COLUMNS = `a.id, coalesce(a.project_id, '') as owner, a.rule, a.time_constraints,
  a.definition_version, a.repeat_actions`;

/** SQL condition for the alarms `a` that are judged by events. */
export const ON_EVENTS = `a.deleted_at is null and a.enabled and a.type = 'event'`;

/** The columns of an event alarm that decide which events fire it. */
export interface EventAlarmRow {
  id: string;
  owner: string;
  rule: string;
  time_constraints: string;
  definition_version: number;
  repeat_actions: boolean;
}

/** The events of one project, in the given order. */
export interface ProjectEvents {
  events: AlarmEvent[];
  types: Set<string>;
  /** The types that each pattern matches. Cached, since many alarms have the same pattern. */
  watched: Map<string, ReadonlySet<string>>;
  /**
   * Cost of patterns and time constraints so far, in judgements. For a pattern with many stars the time grows with the
   * square of its length.
   */
  cost: number;
}

/** One judgement costs as much as one match of a type with a pattern of about thirty characters. */
const SQUARED_LENGTH_PER_JUDGEMENT = 1_000;
/** An uncached time constraint takes about 50 µs. */
const JUDGEMENTS_PER_CONSTRAINT = 500;

function watchedTypes(group: ProjectEvents, matcher: EventMatcher): ReadonlySet<string> {
  const { types, watched } = group;
  const known = watched.get(matcher.pattern);
  if (known) return known;
  const found = new Set([...types].filter((type) => matcher.watches(type)));
  watched.set(matcher.pattern, found);
  group.cost += (types.size * matcher.pattern.length ** 2) / SQUARED_LENGTH_PER_JUDGEMENT;
  return found;
}

/** Events, prepared for matching with many alarms. */
export interface EventsToMatch {
  byProject: ReadonlyMap<string, ProjectEvents>;
  at: Date;
  matcherOf: (ruleJson: string) => EventMatcher;
  openTimesOf: OpenTimesSource['ofJson'];
}

/** Groups events by project. `at`: the time for time constraints. */
export function eventsToMatch(
  events: readonly AlarmEvent[],
  at: Date,
  { matcherOf, openTimesOf }: Pick<EventsToMatch, 'matcherOf' | 'openTimesOf'>,
): EventsToMatch {
  const byProject = new Map<string, ProjectEvents>();
  for (const one of events) {
    const group: ProjectEvents = byProject.get(one.projectId) ?? {
      events: [],
      types: new Set(),
      watched: new Map(),
      cost: 0,
    };
    group.events.push(one);
    group.types.add(one.eventType);
    byProject.set(one.projectId, group);
  }
  return { byProject, at, matcherOf, openTimesOf };
}

/** Returns the events that fire an alarm. Without `repeat_actions` only the first counts. */
export function matchingEvents(
  alarm: EventAlarmRow,
  { byProject, at, matcherOf, openTimesOf }: EventsToMatch,
): AlarmEvent[] {
  const group = byProject.get(alarm.owner);
  const matcher = matcherOf(alarm.rule);
  const watched = group && watchedTypes(group, matcher);
  if (!watched || watched.size === 0) return [];
  const openTimes = openTimesOf(alarm.time_constraints);
  group.cost += openTimes.unknownAt(at) * JUDGEMENTS_PER_CONSTRAINT;
  if (!openTimes.isOpen(at)) return [];
  const { events } = group;
  const fires = (one: AlarmEvent): boolean => watched.has(one.eventType) && matcher.holds(one);
  if (alarm.repeat_actions) return events.filter(fires);
  const first = events.find(fires);
  return first ? [first] : [];
}

/** Creates a cache of matchers by the text of their rule. A matcher depends on nothing else, so it never expires. */
export function createMatcherCache(): EventsToMatch['matcherOf'] {
  const kept = createScanResistantCache<EventMatcher>(MAX_CHARACTERS);
  return (ruleJson) =>
    kept.get(ruleJson) ??
    kept.put(ruleJson, eventMatcher({ ...(JSON.parse(ruleJson) as EventRule), type: 'event' }), ruleJson.length);
}
