import { CronSchedule } from './cron-schedule.js';
import { ZoneClock, ZoneOffsets } from './zone-clock.js';

const MS_OF_DAY = 86_400_000;
/** Aodh lets a constraint hold up to this long before its start, exclusive. */
const EARLY_MS = 60_000;
/** How far ahead the next opening is searched for. Each 29 February comes within eight years; for what is rarer the search is repeated then. */
const SEARCH_DAYS = 9 * 366;
/** More than local time and UTC can drift apart. */
const MARGIN_DAYS = 2;
/** How far ahead changes of the clock are looked for, where a constraint closes at these alone. */
const UNCHANGED_DAYS = 32;
/** Lists of constraints, schedules and zones that are shared between alarms. */
const MAX_KEPT = 10_000;
const MAX_KEPT_TEXT = 2_048;

/** A constraint without its names. */
export interface Hours {
  start: string;
  /** Seconds. */
  duration: number;
  /** Empty: UTC. */
  timezone: string;
}

/** When the time constraints of an alarm let it be evaluated. The last answer is kept, with the period that it holds for. */
export interface OpenTimes {
  /** True without constraints, or when at least one holds at `now`. */
  isOpen(now: Date): boolean;
  /** How many constraints are to be worked out before `now` can be answered, at some 50 µs each. Mostly 0. */
  unknownAt(now: Date): number;
}

/** Where alarms get their open times. The same constraints get the same object. */
export interface OpenTimesSource {
  of(constraints: readonly Hours[]): OpenTimes;
  /** From the JSON text of a list of constraints, as it is stored. */
  ofJson(constraintsJson: string): OpenTimes;
}

/** Milliseconds since 1970, the end excluded. */
interface Period {
  from: number;
  until: number;
  isOpen: boolean;
}

const NEVER_OPEN: Period = { from: -Infinity, until: Infinity, isOpen: false };
/** Has no moment. */
const NOT_KNOWN: Period = { from: Infinity, until: -Infinity, isOpen: false };
const UNCONSTRAINED: OpenTimes = { isOpen: () => true, unknownAt: () => 0 };

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
  /** Made when they are first needed: alarms are loaded by the thousand. */
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

  /** Open for as long as one constraint holds; closed while none does. */
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

/** What decides when one constraint holds. */
interface Openings {
  schedule: CronSchedule;
  clock: ZoneClock;
  durationMs: number;
}

class KeptConstraint {
  /** Null: it never opens. */
  readonly #openings: Openings | null;
  #last: Period = NOT_KNOWN;

  constructor(hours: Hours, sources: Sources) {
    this.#openings = openingsOf(hours, sources);
  }

  isKnownAt(at: number): boolean {
    return this.#openings === null || isOf(this.#last, at);
  }

  periodAt(at: number): Period {
    if (this.#openings === null) return NEVER_OPEN;
    if (!isOf(this.#last, at)) this.#last = uninterruptedPeriod(this.#openings, at) ?? periodAround(this.#openings, at);
    return this.#last;
  }
}

function openingsOf({ start, duration, timezone }: Hours, { scheduleOf, clockOf }: Sources): Openings | null {
  try {
    const schedule = scheduleOf(start);
    if (schedule.neverOpens) return null;
    return { schedule, clock: clockOf((timezone || 'UTC').toLowerCase()), durationMs: duration * 1000 };
  } catch {
    return null; // refused at input; a row that another release wrote is never inside
  }
}

function isOf({ from, until }: Period, at: number): boolean {
  return at >= from && at < until;
}

/** Where each opening comes before the last one has ended, as of `* * * * *`: open until the clock is changed. */
function uninterruptedPeriod({ schedule, clock, durationMs }: Openings, at: number): Period | undefined {
  const gapMs = schedule.longestGap * 1000;
  const stretch = gapMs > durationMs + EARLY_MS ? undefined : clock.unchangedAround(at, UNCHANGED_DAYS);
  if (stretch === undefined) return undefined;
  const period = { from: stretch.from + gapMs, until: stretch.until - gapMs, isOpen: true };
  return isOf(period, at) ? period : undefined;
}

/**
 * An opening at `o` holds after `o - 60 s` and until `o + duration`, both of which are elapsed time. The moments of the schedule that have
 * passed by `at` are those before one local time, whatever was done to the clock; so the last of them and the first of the others decide.
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
    return { from: last - EARLY_MS + 1, until: next !== undefined && opens <= closes ? nextCloses : closes, isOpen: true };
  }
  if (next !== undefined && at >= opens) return { from: opens, until: nextCloses, isOpen: true };
  return { from: closes, until: opens, isOpen: false };
}

/** By keys that are texts; forgets all when there are too many. */
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
