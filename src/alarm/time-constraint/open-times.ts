import { CronSchedule } from './cron-schedule.js';
import { ZoneClock, ZoneOffsets } from './zone-clock.js';

const MS_OF_DAY = 86_400_000;
/** As in Aodh, a constraint already holds this long before its start, exclusive. */
const EARLY_MS = 60_000;
/**
 * How far ahead the next opening is searched. Each 29 February comes within eight years; for rarer dates the search is
 * repeated later.
 */
const SEARCH_DAYS = 9 * 366;
/** More than the difference between local time and UTC can ever be. */
const MARGIN_DAYS = 2;
/** How far ahead clock changes are searched, if a constraint closes only at such a change. */
const UNCHANGED_DAYS = 32;
/** Most lists of constraints, schedules and zones in the cache that alarms share. */
const MAX_KEPT = 10_000;
const MAX_KEPT_TEXT = 2_048;

/** A constraint without its name and description. */
export interface Hours {
  start: string;
  /** In seconds. */
  duration: number;
  /** Empty means UTC. */
  timezone: string;
}

/** The times at which the time constraints of an alarm hold. The last answer is cached with its period of validity. */
export interface OpenTimes {
  /** True without constraints, or when at least one holds at `now`. */
  isOpen(now: Date): boolean;
  /** The number of constraints to compute for an answer about `now`, at some 50 µs each. Mostly 0. */
  unknownAt(now: Date): number;
}

/** Creates the open times of alarms. Alarms with the same constraints share one object. */
export interface OpenTimesSource {
  of(constraints: readonly Hours[]): OpenTimes;
  /** `constraintsJson` is a stored list of constraints. */
  ofJson(constraintsJson: string): OpenTimes;
}

/** A period in milliseconds since 1970; its end is excluded. */
interface Period {
  from: number;
  until: number;
  isOpen: boolean;
}

const NEVER_OPEN: Period = { from: -Infinity, until: Infinity, isOpen: false };
/** An empty period. */
const NOT_KNOWN: Period = { from: Infinity, until: -Infinity, isOpen: false };
const UNCONSTRAINED: OpenTimes = { isOpen: () => true, unknownAt: () => 0 };

/** Creates a source with an empty cache. */
export function createOpenTimesSource(): OpenTimesSource {
  const zones = new ZoneOffsets();
  const clockOf = remember((timezone) => new ZoneClock(timezone === 'utc' ? () => 0 : zones.of(timezone)));
  const scheduleOf = remember((start) => new CronSchedule(start));
  const shared = remember((key) => new KeptOpenTimes(JSON.parse(key) as Hours[], { scheduleOf, clockOf }));
  const of = (constraints: readonly Hours[]): OpenTimes => {
    if (constraints.length === 0) return UNCONSTRAINED;
    const hours: Hours[] = constraints.map(({ start, duration, timezone }) => ({ start, duration, timezone }));
    return shared(JSON.stringify(hours));
  };
  const ofShortJson = remember((text) => of(JSON.parse(text) as Hours[]));
  return {
    of,
    ofJson(text) {
      if (text === '[]') return UNCONSTRAINED;
      return text.length > MAX_KEPT_TEXT ? of(JSON.parse(text) as Hours[]) : ofShortJson(text);
    },
  };
}

interface Sources {
  scheduleOf: (start: string) => CronSchedule;
  clockOf: (timezone: string) => ZoneClock;
}

class KeptOpenTimes implements OpenTimes {
  readonly #hours: readonly Hours[];
  readonly #sources: Sources;
  /** Parsed at the first use, since alarms are loaded by the thousand. */
  #constraints: readonly KeptConstraint[] | undefined;
  #last: Period = NOT_KNOWN;

  constructor(hours: readonly Hours[], sources: Sources) {
    this.#hours = hours;
    this.#sources = sources;
  }

  isOpen(now: Date): boolean {
    const at = now.getTime();
    if (!isOf(this.#last, at)) this.#last = this.#periodAt(at);
    return this.#last.isOpen;
  }

  unknownAt(now: Date): number {
    const at = now.getTime();
    if (isOf(this.#last, at)) return 0;
    return this.#constraints?.filter((constraint) => !constraint.isKnownAt(at)).length ?? this.#hours.length;
  }

  /** The longest known period around a moment in which some constraint holds, or in which none does. */
  #periodAt(at: number): Period {
    this.#constraints ??= this.#hours.map((hours) => new KeptConstraint(hours, this.#sources));
    let closed = NEVER_OPEN;
    for (const constraint of this.#constraints) {
      const period = constraint.periodAt(at);
      if (period.isOpen) return period;
      closed = { from: Math.max(closed.from, period.from), until: Math.min(closed.until, period.until), isOpen: false };
    }
    return closed;
  }
}

/** The parts of a constraint that decide when it holds. */
interface Openings {
  schedule: CronSchedule;
  clock: ZoneClock;
  durationMs: number;
}

/** It holds no schedule: an alarm may have twenty constraints, and schedules are shared in a bounded cache. */
class KeptConstraint {
  readonly #hours: Hours;
  readonly #sources: Sources;
  #last: Period = NOT_KNOWN;

  constructor(hours: Hours, sources: Sources) {
    this.#hours = hours;
    this.#sources = sources;
  }

  isKnownAt(at: number): boolean {
    return isOf(this.#last, at);
  }

  periodAt(at: number): Period {
    if (!isOf(this.#last, at)) this.#last = this.#find(at);
    return this.#last;
  }

  #find(at: number): Period {
    const openings = openingsOf(this.#hours, this.#sources);
    return openings === null ? NEVER_OPEN : (uninterruptedPeriod(openings, at) ?? periodAround(openings, at));
  }
}

/** Null if the constraint never opens. */
function openingsOf({ start, duration, timezone }: Hours, { scheduleOf, clockOf }: Sources): Openings | null {
  try {
    const schedule = scheduleOf(start);
    if (schedule.neverOpens) return null;
    return { schedule, clock: clockOf((timezone || 'UTC').toLowerCase()), durationMs: duration * 1000 };
  } catch {
    return null; // refused at input; a constraint of another release that cannot be read never holds
  }
}

function isOf({ from, until }: Period, at: number): boolean {
  return at >= from && at < until;
}

/** A constraint that opens again before it closes, such as `* * * * *`, is open until the clock is changed. */
function uninterruptedPeriod({ schedule, clock, durationMs }: Openings, at: number): Period | undefined {
  const gapMs = schedule.longestGap * 1000;
  const stretch = gapMs > durationMs + EARLY_MS ? undefined : clock.unchangedAround(at, UNCHANGED_DAYS);
  if (stretch === undefined) return undefined;
  const period = { from: stretch.from + gapMs, until: stretch.until - gapMs, isOpen: true };
  return isOf(period, at) ? period : undefined;
}

/**
 * An opening at `o` holds after `o - 60 s` and until `o + duration`, both in elapsed time. The openings up to `at` are
 * exactly the moments of the schedule before one local time, also on days with a clock change. So the last of these
 * moments and the first one after them decide.
 */
function periodAround({ schedule, clock, durationMs }: Openings, at: number): Period {
  const border = Math.ceil(clock.farthestBefore(at) / 1000);
  const lastLocal = schedule.lastAtOrBefore(border - 1, Math.ceil(durationMs / MS_OF_DAY) + MARGIN_DAYS);
  const nextLocal = schedule.firstAtOrAfter(border, SEARCH_DAYS);
  const last = lastLocal === undefined ? undefined : clock.firstMomentOf(lastLocal * 1000);
  const next = nextLocal === undefined ? undefined : clock.firstMomentOf(nextLocal * 1000);
  const closes = last === undefined ? at : last + durationMs + 1;
  const opens = next === undefined ? at + (SEARCH_DAYS - MARGIN_DAYS) * MS_OF_DAY : next - EARLY_MS + 1;
  const nextCloses = opens + EARLY_MS + durationMs;
  if (last !== undefined && at < closes) {
    return {
      from: last - EARLY_MS + 1,
      until: next !== undefined && opens <= closes ? nextCloses : closes,
      isOpen: true,
    };
  }
  if (next !== undefined && at >= opens) return { from: opens, until: nextCloses, isOpen: true };
  return { from: closes, until: opens, isOpen: false };
}

/** A cache by text keys. It is emptied when it is full. */
function remember<T>(make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const kept = known.get(key);
    if (kept !== undefined) return kept;
    const made = make(key);
    if (known.size >= MAX_KEPT) known.clear();
    known.set(key, made);
    return made;
  };
}
