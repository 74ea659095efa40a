import { CronExpressionParser } from 'cron-parser';

const SECONDS_OF_DAY = 86_400;
const MS_OF_DAY = SECONDS_OF_DAY * 1000;
const WEEKDAYS = [0, 1, 2, 3, 4, 5, 6] as const;
const MONTH_LENGTHS = [[31], [28, 29], [31], [30], [31], [30], [31], [31], [30], [31], [30], [31]] as const;

/** The days that a schedule allows. Weekdays are numbered from Sunday, 0. */
interface DayRule {
  months: ReadonlySet<number>;
  daysOfMonth: ReadonlySet<number>;
  isLastDayAllowed: boolean;
  isDayOfMonthRestricted: boolean;
  weekdays: ReadonlySet<number>;
  isWeekdayRestricted: boolean;
  /** The weekday counts only as the n-th of its month; 0: every one counts. */
  nth: number;
  /** Weekdays that count only as the last of their month. */
  lastWeekdays: ReadonlySet<number>;
}

/**
 * The moments of a cron expression on a clock that never changes: local times as seconds since 1970-01-01T00:00:00 of that clock.
 * Days follow croniter, which Aodh uses: with both days restricted either is enough, but a weekday with `#` or `L` stands alone.
 */
export class CronSchedule {
  readonly #hours: readonly number[];
  readonly #minutes: readonly number[];
  readonly #seconds: readonly number[];
  readonly #days: DayRule;
  /** Bit n is day n of the month, by length and first weekday of the month. */
  readonly #masks = new Map<number, number>();

  constructor(start: string) {
    const { times, months } = fieldsOf(start);
    this.#hours = times.hour.values;
    this.#minutes = times.minute.values;
    this.#seconds = times.second.values;
    this.#days = dayRule(times, new Set(months));
  }

  /** Whether there is a day at all. In 400 years every month begins on every weekday, February with 28 and with 29 days. */
  get neverOpens(): boolean {
    return ![...this.#days.months].some((month) =>
      (MONTH_LENGTHS[month - 1] ?? []).some((length) => WEEKDAYS.some((first) => this.#maskOf(length, first) !== 0)),
    );
  }

  /** The longest time between two moments, in seconds, where every day is allowed; infinite elsewhere. */
  get longestGap(): number {
    if (!this.#isEveryDay()) return Infinity;
    const secondSpan = span(this.#seconds);
    const minuteSpan = span(this.#minutes) * 60 + secondSpan;
    return Math.max(
      longestStep(this.#seconds),
      longestStep(this.#minutes) * 60 - secondSpan,
      Math.max(longestStep(this.#hours), 24 - span(this.#hours)) * 3600 - minuteSpan,
    );
  }

  /** The first moment at or after `from`, if it comes within `days`. */
  firstAtOrAfter(from: number, days: number): number | undefined {
    const today = Math.floor(from / SECONDS_OF_DAY);
    if (this.#isAllowed(today)) {
      const time = this.#timeAtOrAfter(from - today * SECONDS_OF_DAY);
      if (time !== undefined) return today * SECONDS_OF_DAY + time;
    }
    const day = this.#dayFrom(today + 1, today + days);
    return day === undefined ? undefined : day * SECONDS_OF_DAY + (this.#timeAtOrAfter(0) ?? 0);
  }

  /** The last moment at or before `from`, if it was within `days`. */
  lastAtOrBefore(from: number, days: number): number | undefined {
    const today = Math.floor(from / SECONDS_OF_DAY);
    if (this.#isAllowed(today)) {
      const time = this.#timeAtOrBefore(from - today * SECONDS_OF_DAY);
      if (time !== undefined) return today * SECONDS_OF_DAY + time;
    }
    const day = this.#dayBackFrom(today - 1, today - days);
    return day === undefined ? undefined : day * SECONDS_OF_DAY + (this.#timeAtOrBefore(SECONDS_OF_DAY) ?? 0);
  }

  #isEveryDay(): boolean {
    const { months, isDayOfMonthRestricted, isWeekdayRestricted } = this.#days;
    return months.size === MONTH_LENGTHS.length && !isDayOfMonthRestricted && !isWeekdayRestricted;
  }

  #timeAtOrAfter(time: number): number | undefined {
    for (const hour of this.#hours) {
      if (hour * 3600 + 3599 < time) continue;
      for (const minute of this.#minutes) {
        const start = hour * 3600 + minute * 60;
        const second = start + 59 < time ? undefined : this.#seconds.find((candidate) => start + candidate >= time);
        if (second !== undefined) return start + second;
      }
    }
    return undefined;
  }

  #timeAtOrBefore(time: number): number | undefined {
    for (const hour of this.#hours.toReversed()) {
      if (hour * 3600 > time) continue;
      for (const minute of this.#minutes.toReversed()) {
        const start = hour * 3600 + minute * 60;
        const second = start > time ? undefined : this.#seconds.findLast((candidate) => start + candidate <= time);
        if (second !== undefined) return start + second;
      }
    }
    return undefined;
  }

  #isAllowed(day: number): boolean {
    const { mask, date } = this.#monthOf(day);
    return (mask & (1 << date)) !== 0;
  }

  /** The first allowed day from `day` on, at most `last`. A month takes one step, so ten years take some 120. */
  #dayFrom(day: number, last: number): number | undefined {
    for (let at = day; at <= last; ) {
      const { mask, date, length } = this.#monthOf(at);
      const rest = mask >>> date;
      if (rest !== 0) {
        const found = at + 31 - Math.clz32(rest & -rest);
        return found <= last ? found : undefined;
      }
      at += length - date + 1;
    }
    return undefined;
  }

  #dayBackFrom(day: number, first: number): number | undefined {
    for (let at = day; at >= first; ) {
      const { mask, date } = this.#monthOf(at);
      const rest = mask << (31 - date);
      if (rest !== 0) {
        const found = at - Math.clz32(rest);
        return found >= first ? found : undefined;
      }
      at -= date;
    }
    return undefined;
  }

  #monthOf(day: number): { mask: number; date: number; length: number } {
    const at = new Date(day * MS_OF_DAY);
    const date = at.getUTCDate();
    const month = at.getUTCMonth();
    const length = month === 1 ? daysOfFebruary(at.getUTCFullYear()) : (MONTH_LENGTHS[month]?.[0] ?? 0);
    if (!this.#days.months.has(month + 1)) return { mask: 0, date, length };
    return { mask: this.#maskOf(length, (((at.getUTCDay() - date + 1) % 7) + 7) % 7), date, length };
  }

  #maskOf(length: number, firstWeekday: number): number {
    const key = length * 7 + firstWeekday;
    const known = this.#masks.get(key);
    if (known !== undefined) return known;
    let mask = 0;
    for (let date = 1; date <= length; date += 1) {
      if (isDayAllowed(this.#days, { date, length, weekday: (firstWeekday + date - 1) % 7 })) mask |= 1 << date;
    }
    this.#masks.set(key, mask);
    return mask;
  }
}

/** Aodh's cron has its seconds last, knows no letter case, has one nickname more, and writes the last Friday of a month `L5`. */
export function forLibrary(start: string): string {
  return columnsOf(start).join(' ');
}

function columnsOf(start: string): string[] {
  const written = start.trim().toLowerCase();
  if (written.startsWith('@')) return [written === '@midnight' ? '@daily' : written];
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = '', ...seconds] = written.split(/\s+/);
  const day = dayOfMonth.replace(/\bl\b/g, 'L');
  const weekday = dayOfWeek.replace(/^l([0-7])$/, '$1l').replace(/(?<=[0-7])l\b/g, 'L');
  return [...seconds, minute, hour, day, month, weekday];
}

type Fields = ReturnType<typeof CronExpressionParser.parse>['fields'];

/** The month is read apart: the library refuses days that their month never has, although a weekday may be allowed beside them. */
function fieldsOf(start: string): { times: Fields; months: readonly number[] } {
  const columns = columnsOf(start);
  const month = columns.at(-2);
  if (month === undefined || month === '*') {
    const times = parsed(columns);
    return { times, months: times.month.values };
  }
  return { times: parsed(columns.with(-2, '*')), months: parsed(['*', '*', '*', month, '*']).month.values };
}

/** The library wants a date and a zone, and reads the clock without them. */
function parsed(columns: readonly string[]): Fields {
  return CronExpressionParser.parse(columns.join(' '), { tz: 'UTC', currentDate: new Date(0) }).fields;
}

function dayRule({ dayOfMonth, dayOfWeek }: Fields, months: ReadonlySet<number>): DayRule {
  const daysOfMonth = new Set(numbersIn(dayOfMonth.values));
  const weekdays = new Set(numbersIn(dayOfWeek.values).map((weekday) => weekday % 7));
  const lastWeekdays = dayOfWeek.values.filter((value) => typeof value === 'string').map((value) => parseInt(value, 10) % 7);
  return {
    months,
    daysOfMonth,
    isLastDayAllowed: dayOfMonth.hasLastChar,
    isDayOfMonthRestricted: daysOfMonth.size < 31,
    weekdays,
    isWeekdayRestricted: weekdays.size < WEEKDAYS.length || dayOfWeek.nthDay > 0,
    nth: dayOfWeek.nthDay,
    lastWeekdays: new Set(lastWeekdays),
  };
}

function isDayAllowed(rule: DayRule, { date, length, weekday }: { date: number; length: number; weekday: number }): boolean {
  const { isDayOfMonthRestricted, isWeekdayRestricted, nth } = rule;
  const isDate = rule.daysOfMonth.has(date) || (rule.isLastDayAllowed && date === length);
  const isNth = nth === 0 || Math.ceil(date / 7) === nth;
  const isLast = date > length - 7 && rule.lastWeekdays.has(weekday);
  const isWeekday = (rule.weekdays.has(weekday) && isNth) || isLast;
  if (!isWeekdayRestricted) return !isDayOfMonthRestricted || isDate;
  const standsAlone = nth > 0 || rule.lastWeekdays.size > 0;
  return isWeekday || (isDayOfMonthRestricted && !standsAlone && isDate);
}

function numbersIn(values: readonly (number | string)[]): number[] {
  return values.filter((value) => typeof value === 'number');
}

function daysOfFebruary(year: number): number {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
}

function span(sorted: readonly number[]): number {
  return (sorted.at(-1) ?? 0) - (sorted[0] ?? 0);
}

/** The longest step between two neighbours; 0 where there is one value alone. */
function longestStep(sorted: readonly number[]): number {
  return Math.max(0, ...sorted.slice(1).map((value, index) => value - (sorted[index] ?? 0)));
}
