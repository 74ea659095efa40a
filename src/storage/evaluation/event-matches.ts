import type { OpenTimesSource } from '../../alarm/time-constraint/open-times.js';
import { eventMatcher, type EventMatcher } from '../../alarm/types/event/evaluate.js';
import type { AlarmEvent } from '../../alarm/types/event/event.js';
import type { EventRule } from '../../alarm/types/event/schema.js';

/** Rules whose matchers are kept, and how long they may be: some ten megabytes in all. */
const MAX_MATCHERS = 10_000;
const MAX_KEPT_RULE = 1_024;

/** What of an event alarm decides which events set it off. */
export interface EventAlarmRow {
  id: string;
  owner: string;
  rule: string;
  time_constraints: string;
  definition_version: number;
  repeat_actions: boolean;
}

/** The events of one project, in their order. */
export interface ProjectEvents {
  events: AlarmEvent[];
  types: Set<string>;
  /** Which of the types a pattern watches. Asked once: many alarms watch the same. */
  watched: Map<string, ReadonlySet<string>>;
  /**
   * What patterns and time constraints have cost so far, in judgements: with many stars the time grows with the square
   * of a pattern.
   */
  asking: number;
}

/** A judgement takes as long as a type takes with a pattern of some thirty characters. */
const SQUARED_LENGTH_OF_JUDGEMENT = 1_000;
/** A time constraint that is not known takes some 50 µs. */
const JUDGEMENTS_OF_CONSTRAINT = 500;

function watchedTypes(group: ProjectEvents, matcher: EventMatcher): ReadonlySet<string> {
  const { types, watched } = group;
  const known = watched.get(matcher.pattern);
  if (known) return known;
  const found = new Set([...types].filter((type) => matcher.watches(type)));
  watched.set(matcher.pattern, found);
  group.asking += (types.size * matcher.pattern.length ** 2) / SQUARED_LENGTH_OF_JUDGEMENT;
  return found;
}

/** What is looked at, made ready for many alarms. */
export interface EventsToMatch {
  byProject: ReadonlyMap<string, ProjectEvents>;
  at: Date;
  matcherOf: (ruleJson: string) => EventMatcher;
  openTimesOf: OpenTimesSource['ofJson'];
}

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
      asking: 0,
    };
    group.events.push(one);
    group.types.add(one.eventType);
    byProject.set(one.projectId, group);
  }
  return { byProject, at, matcherOf, openTimesOf };
}

/** The events that set an alarm off. One that does not repeat asks for the first only. */
export function matchingEvents(
  alarm: EventAlarmRow,
  { byProject, at, matcherOf, openTimesOf }: EventsToMatch,
): AlarmEvent[] {
  const group = byProject.get(alarm.owner);
  const matcher = matcherOf(alarm.rule);
  const watched = group && watchedTypes(group, matcher);
  if (!watched || watched.size === 0) return [];
  const openTimes = openTimesOf(alarm.time_constraints);
  group.asking += openTimes.unknownAt(at) * JUDGEMENTS_OF_CONSTRAINT;
  if (!openTimes.isOpen(at)) return [];
  const { events } = group;
  const sets = (one: AlarmEvent): boolean => watched.has(one.eventType) && matcher.holds(one);
  if (alarm.repeat_actions) return events.filter(sets);
  const first = events.find(sets);
  return first ? [first] : [];
}

/** A matcher follows from the text of its rule and from nothing else, so one that is kept cannot be out of date. */
export function createMatcherCache(): EventsToMatch['matcherOf'] {
  const known = new Map<string, EventMatcher>();
  return (ruleJson) => {
    const kept = known.get(ruleJson);
    if (kept) return kept;
    const made = eventMatcher({ ...(JSON.parse(ruleJson) as EventRule), type: 'event' });
    if (ruleJson.length > MAX_KEPT_RULE) return made;
    if (known.size >= MAX_MATCHERS) known.clear();
    known.set(ruleJson, made);
    return made;
  };
}
