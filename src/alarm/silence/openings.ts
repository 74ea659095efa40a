import { CronSchedule } from '../time-constraint/cron-schedule.js';
import { ZoneClock, ZoneOffsets } from '../time-constraint/zone-clock.js';

const MS_OF_DAY = 86_400_000;
/** How far ahead the next opening is searched: each 29 February comes within eight years. */
const SEARCH_DAYS = 9 * 366;
/** More than the difference between local time and UTC can ever be. */
const MARGIN_DAYS = 2;
/** Most schedules and zones in the cache. */
const MAX_KEPT = 10_000;

/** The openings of a silence that recurs. */
export interface Recurrence {
  /** A cron expression, as in time constraints of alarms. */
  cron: string;
  /** Seconds that each opening lasts. */
  durationS: number;
  /** A name of the time zone database. */
  timezone: string;
}

/** When a silence holds alarms: from `startsAt` until before `endsAt`, and of that only in openings if it recurs. */
export interface SilenceTimes {
  startsAt: Date;
  /** Null: without end, which needs a recurrence. */
  endsAt: Date | null;
  recurrence: Recurrence | null;
}

/** A span of time; its end is excluded. */
export interface Opening {
  startsAt: Date;
  endsAt: Date;
}

/** Computes openings. It caches schedules and time zones. */
export class SilenceOpenings {
  readonly #zones = new ZoneOffsets();
  readonly #schedules = new Map<string, CronSchedule | null>();
  readonly #clocks = new Map<string, ZoneClock | null>();

  /** True if the silence holds alarms at this time. */
  isOpen(times: SilenceTimes, at: Date): boolean {
    const opening = this.openingOf(times, at);
    return opening !== undefined && opening.startsAt <= at;
  }

  /** The opening at a time, or the next one after it. Undefined if there is none any more. */
  openingOf({ startsAt, endsAt, recurrence }: SilenceTimes, at: Date): Opening | undefined {
    if (endsAt !== null && at >= endsAt) return undefined;
    if (recurrence === null) return endsAt === null ? undefined : { startsAt, endsAt };
    const opening = this.#recurring(recurrence, at > startsAt ? at : startsAt);
    if (opening === undefined || (endsAt !== null && opening.startsAt >= endsAt)) return undefined;
    return {
      startsAt: opening.startsAt < startsAt ? startsAt : opening.startsAt,
      endsAt: endsAt !== null && endsAt < opening.endsAt ? endsAt : opening.endsAt,
    };
  }

  #recurring({ cron, durationS, timezone }: Recurrence, from: Date): Opening | undefined {
    const schedule = kept(this.#schedules, cron, () => new CronSchedule(cron));
    const clock = kept(this.#clocks, timezone.toLowerCase(), (zone) => new ZoneClock(this.#zones.of(zone)));
    if (!schedule || !clock || schedule.neverOpens) return undefined;
    const [at, durationMs] = [from.getTime(), durationS * 1_000];
    // The moments up to `at` are those before one local time, also on days with a clock change.
    const border = Math.ceil(clock.farthestBefore(at + 1) / 1_000);
    const opened = (local: number): Opening => {
      const start = clock.firstMomentOf(local * 1_000);
      return { startsAt: new Date(start), endsAt: new Date(start + durationMs) };
    };
    const lastLocal = schedule.lastAtOrBefore(border - 1, Math.ceil(durationMs / MS_OF_DAY) + MARGIN_DAYS);
    const last = lastLocal === undefined ? undefined : opened(lastLocal);
    if (last !== undefined && at < last.endsAt.getTime()) return last;
    const nextLocal = schedule.firstAtOrAfter(border, SEARCH_DAYS);
    return nextLocal === undefined ? undefined : opened(nextLocal);
  }
}

/** A value of a cache, which is emptied when it is full. Null for a key from which no value can be made. */
function kept<T>(cache: Map<string, T | null>, key: string, make: (key: string) => T): T | null {
  const known = cache.get(key);
  if (known !== undefined) return known;
  let made: T | null;
  try {
    made = make(key);
  } catch {
    made = null; // refused at input; a silence of another release that cannot be read never opens
  }
  if (cache.size >= MAX_KEPT) cache.clear();
  cache.set(key, made);
  return made;
}
