const MS_OF_HOUR = 3_600_000;
const MS_OF_DAY = 24 * MS_OF_HOUR;
/** No zone was ever further from UTC. */
const FARTHEST_FROM_UTC = 16 * MS_OF_HOUR;
/** No clock was ever set back by more than a day, so a local time is repeated within a day. */
const LONGEST_REPETITION = MS_OF_DAY;
/** Most cached days of one zone. */
const MAX_DAYS = 2_000;
/** Most cached formatters. One takes some 50 KB. */
const MAX_FORMATTERS = 64;

/**
 * The difference of local time from UTC at a moment, both in milliseconds. At most one clock change a day is expected.
 */
export type ZoneOffset = (at: number) => number;

/** A period without a clock change. */
interface Era {
  until: number;
  offset: number;
}

/**
 * The wall clock of a time zone. Local times are milliseconds since 1970-01-01T00:00:00 on that clock. Offsets are read
 * once a day: if two successive midnights (UTC) have the same offset, the time between them has it, too.
 */
export class ZoneClock {
  readonly #offsetAt: ZoneOffset;
  readonly #midnights = new Map<number, number>();
  readonly #changes = new Map<number, number>();

  constructor(offsetAt: ZoneOffset) {
    this.#offsetAt = offsetAt;
  }

  /**
   * The first moment at which the clock has reached `local`. If two moments show `local`, it is the first one; if the
   * clock skips `local`, it is the moment of the change.
   */
  firstMomentOf(local: number): number {
    let from = -Infinity;
    for (const { until, offset } of this.#eras(local - FARTHEST_FROM_UTC, local + FARTHEST_FROM_UTC)) {
      const moment = Math.max(from, local - offset);
      if (moment < until) return moment;
      from = until;
    }
    return from;
  }

  /**
   * The local time that separates those that the clock reached before `moment` (in the sense of `firstMomentOf`) from
   * the later ones.
   */
  farthestBefore(moment: number): number {
    let farthest = -Infinity;
    for (const { until, offset } of this.#eras(moment - LONGEST_REPETITION, moment)) {
      farthest = Math.max(farthest, Math.min(until, moment) + offset);
      if (until >= moment) break;
    }
    return farthest;
  }

  /** A period around a moment without a clock change, up to `days` after it; undefined near a change. */
  unchangedAround(moment: number, days: number): { from: number; until: number } | undefined {
    const today = Math.floor(moment / MS_OF_DAY);
    const offset = this.#midnight(today);
    const isSame = (day: number): boolean => this.#midnight(day) === offset;
    if (!isSame(today - 1) || !isSame(today + 1)) return undefined;
    let last = today + 1;
    while (last < today + days && isSame(last + 1)) last += 1;
    return { from: (today - 1) * MS_OF_DAY, until: last * MS_OF_DAY };
  }

  *#eras(from: number, to: number): Iterable<Era> {
    const last = Math.floor(to / MS_OF_DAY);
    for (let day = Math.floor(from / MS_OF_DAY); day <= last; day += 1) {
      const offset = this.#midnight(day);
      if (this.#midnight(day + 1) !== offset) yield { until: this.#changeAfter(day), offset };
    }
    yield { until: Infinity, offset: this.#midnight(last + 1) };
  }

  #midnight(day: number): number {
    const known = this.#midnights.get(day);
    if (known !== undefined) return known;
    const offset = this.#offsetAt(day * MS_OF_DAY);
    if (this.#midnights.size >= MAX_DAYS) this.#midnights.clear();
    this.#midnights.set(day, offset);
    return offset;
  }

  /** The second of the change within a day, by binary search. */
  #changeAfter(day: number): number {
    const known = this.#changes.get(day);
    if (known !== undefined) return known;
    const before = this.#midnight(day);
    let [low, high] = [day * (MS_OF_DAY / 1000), (day + 1) * (MS_OF_DAY / 1000)];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#offsetAt(middle * 1000) === before) low = middle;
      else high = middle;
    }
    if (this.#changes.size >= MAX_DAYS) this.#changes.clear();
    this.#changes.set(day, high * 1000);
    return high * 1000;
  }
}

/** The time zones that Node.js knows. */
export class ZoneOffsets {
  readonly #formatters = new Map<string, Intl.DateTimeFormat>();

  /** @throws RangeError for an unknown zone. */
  of(timezone: string): ZoneOffset {
    this.#formatter(timezone);
    return (at) => localTimeAt(this.#formatter(timezone), at) - Math.floor(at / 1000) * 1000;
  }

  #formatter(timezone: string): Intl.DateTimeFormat {
    const known = this.#formatters.get(timezone);
    if (known !== undefined) return known;
    const made = new Intl.DateTimeFormat('en-US', { timeZone: timezone, hourCycle: 'h23', ...FIELDS });
    if (this.#formatters.size >= MAX_FORMATTERS) this.#formatters.clear();
    this.#formatters.set(timezone, made);
    return made;
  }
}

const FIELDS = {
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
} as const;

/** Parses a text such as `9/21/2026, 16:13:20`, which costs a third of `formatToParts`. */
function localTimeAt(formatter: Intl.DateTimeFormat, at: number): number {
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = formatter
    .format(at)
    .split(/\D+/)
    .map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}
