import { CronExpressionParser } from 'cron-parser';

import { NumberSet } from './number-set.js';

const SECONDS_OF_DAY = 86_400;
const MS_OF_DAY = SECONDS_OF_DAY * 1000;
const DAYS_OF_WEEK = 7;
/** The columns of cron-parser, in its order. */
const FIELDS = ['second', 'minute', 'hour', 'dayOfMonth', 'month', 'dayOfWeek'] as const;
/** A value for each column. cron-parser would expand each `*` into a list. */
const ANY_MOMENT = ['0', '0', '0', '1', '1', '0'];
const MONTH_LENGTHS = [[31], [28, 29], [31], [30], [31], [30], [31], [31], [30], [31], [30], [31]] as const;

/** The days that a schedule allows. Months are numbered from 1; weekdays from Sunday, 0. */
interface DayRule {
  months: NumberSet;
  daysOfMonth: NumberSet;
  isLastDayAllowed: boolean;
  isDayOfMonthRestricted: boolean;
  weekdays: NumberSet;
  isWeekdayRestricted: boolean;
  /** The weekday counts only as the n-th of its month; 0 means that each one counts. */
  nth: number;
  /** Weekdays that count only as the last of their month. */
  lastWeekdays: NumberSet;
}

/**
 * The moments of a cron expression as local times, in seconds since 1970-01-01T00:00:00, on a clock without changes.
 * Days follow croniter, which Aodh uses: if days of the month and weekdays are both restricted, one of them is enough;
 * but if a weekday has `#` or `L`, only the weekday counts.
 */
export class CronSchedule {
  readonly #hours: NumberSet;
  readonly #minutes: NumberSet;
  readonly #seconds: NumberSet;
  readonly #days: DayRule;

  /** @throws Error for an expression that `TimeConstraint` refuses. */
  constructor(start: string) {
    const { fields, months } = fieldsOf(start);
    this.#hours = new NumberSet(fields.hour.values);
    this.#minutes = new NumberSet(fields.minute.values);
    this.#seconds = new NumberSet(fields.second.values);
    this.#days = dayRule(fields, months);
  }

  /**
   * True for a date that never comes, such as 31 February. In 400 years each month begins on each weekday, February
   * with 28 and with 29 days.
   */
  get neverOpens(): boolean {
    return ![...this.#days.months].some((month) =>
      (MONTH_LENGTHS[month - 1] ?? []).some((length) =>
        Array.from({ length: DAYS_OF_WEEK }).some(
          (_, firstWeekday) => allowedDates(this.#days, length, firstWeekday) !== 0,
        ),
      ),
    );
  }

  /** The longest time between two moments, in seconds; infinite if not every day is allowed. */
  get longestGap(): number {
    if (!this.#isEveryDayAllowed()) return Infinity;
    const secondSpan = spanOf(this.#seconds);
    const minuteSpan = spanOf(this.#minutes) * 60 + secondSpan;
    return Math.max(
      longestStep(this.#seconds),
      longestStep(this.#minutes) * 60 - secondSpan,
      Math.max(longestStep(this.#hours), 24 - spanOf(this.#hours)) * 3600 - minuteSpan,
    );
  }

  /** The first moment at or after `from`, if it comes on one of the next `days`. */
  firstAtOrAfter(from: number, days: number): number | undefined {
    const today = Math.floor(from / SECONDS_OF_DAY);
    const time = this.#isAllowed(today) ? this.#timeAtOrAfter(from - today * SECONDS_OF_DAY) : undefined;
    if (time !== undefined) return today * SECONDS_OF_DAY + time;
    const day = this.#dayFrom(today + 1, today + days);
    return day === undefined ? undefined : day * SECONDS_OF_DAY + this.#firstTime();
  }

  /** The last moment at or before `from`, if it was on one of the last `days`. */
  lastAtOrBefore(from: number, days: number): number | undefined {
    const today = Math.floor(from / SECONDS_OF_DAY);
    const time = this.#isAllowed(today) ? this.#timeAtOrBefore(from - today * SECONDS_OF_DAY) : undefined;
    if (time !== undefined) return today * SECONDS_OF_DAY + time;
    const day = this.#dayBackFrom(today - 1, today - days);
    return day === undefined ? undefined : day * SECONDS_OF_DAY + this.#lastTime();
  }

  #isEveryDayAllowed(): boolean {
    const { months, isDayOfMonthRestricted, isWeekdayRestricted } = this.#days;
    return months.size === MONTH_LENGTHS.length && !isDayOfMonthRestricted && !isWeekdayRestricted;
  }

  #firstTime(): number {
    return this.#hours.least * 3600 + this.#minutes.least * 60 + this.#seconds.least;
  }

  #lastTime(): number {
    return this.#hours.greatest * 3600 + this.#minutes.greatest * 60 + this.#seconds.greatest;
  }

  #timeAtOrAfter(time: number): number | undefined {
    const [hour, minute] = [Math.floor(time / 3600), Math.floor(time / 60) % 60];
    if (this.#hours.has(hour)) {
      const second = this.#minutes.has(minute) ? this.#seconds.atLeast(time % 60) : -1;
      if (second >= 0) return time - (time % 60) + second;
      const nextMinute = this.#minutes.atLeast(minute + 1);
      if (nextMinute >= 0) return hour * 3600 + nextMinute * 60 + this.#seconds.least;
    }
    const nextHour = this.#hours.atLeast(hour + 1);
    return nextHour < 0 ? undefined : nextHour * 3600 + this.#minutes.least * 60 + this.#seconds.least;
  }

  #timeAtOrBefore(time: number): number | undefined {
    const [hour, minute] = [Math.floor(time / 3600), Math.floor(time / 60) % 60];
    if (this.#hours.has(hour)) {
      const second = this.#minutes.has(minute) ? this.#seconds.atMost(time % 60) : -1;
      if (second >= 0) return time - (time % 60) + second;
      const lastMinute = this.#minutes.atMost(minute - 1);
      if (lastMinute >= 0) return hour * 3600 + lastMinute * 60 + this.#seconds.greatest;
    }
    const lastHour = this.#hours.atMost(hour - 1);
    return lastHour < 0 ? undefined : lastHour * 3600 + this.#minutes.greatest * 60 + this.#seconds.greatest;
  }

  #isAllowed(day: number): boolean {
    const { dates, date } = this.#monthOf(day);
    return (dates & (1 << date)) !== 0;
  }

  /** The first allowed day from `day` to `last`. It goes by months, so nine years are some 108 steps. */
  #dayFrom(day: number, last: number): number | undefined {
    for (let at = day; at <= last;) {
      const { dates, date, length } = this.#monthOf(at);
      const rest = dates >>> date;
      if (rest !== 0) {
        const found = at + 31 - Math.clz32(rest & -rest);
        return found <= last ? found : undefined;
      }
      at += length - date + 1;
    }
    return undefined;
  }

  #dayBackFrom(day: number, first: number): number | undefined {
    for (let at = day; at >= first;) {
      const { dates, date } = this.#monthOf(at);
      const rest = dates << (31 - date);
      if (rest !== 0) {
        const found = at - Math.clz32(rest);
        return found >= first ? found : undefined;
      }
      at -= date;
    }
    return undefined;
  }

  /** The allowed dates of the month of a day (bit n is the n-th), the date of the day, and the length of the month. */
  #monthOf(day: number): { dates: number; date: number; length: number } {
    const at = new Date(day * MS_OF_DAY);
    const [date, month] = [at.getUTCDate(), at.getUTCMonth()];
    const length = month === 1 ? daysOfFebruary(at.getUTCFullYear()) : (MONTH_LENGTHS[month]?.[0] ?? 0);
    if (!this.#days.months.has(month + 1)) return { dates: 0, date, length };
    const firstWeekday = (((at.getUTCDay() - date + 1) % DAYS_OF_WEEK) + DAYS_OF_WEEK) % DAYS_OF_WEEK;
    return { dates: allowedDates(this.#days, length, firstWeekday), date, length };
  }
}

/**
 * An expression in the form that cron-parser reads. In Aodh's form the seconds come last, case is ignored, `@midnight`
 * exists, and `L5` is the last Friday.
 */
export function forLibrary(start: string): string {
  return columnsOf(start).join(' ');
}

function columnsOf(start: string): string[] {
  const written = start.trim().toLowerCase();
  if (written.startsWith('@')) return [written === '@midnight' ? '@daily' : written];
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = '', ...seconds] = written.split(/\s+/);
  const day = dayOfMonth.replace(/\bl\b/g, 'L');
  const weekday = dayOfWeek.replace(/^l([0-7])$/, '$1l').replace(/(?<=[0-7])l\b/g, 'L');
  const columns = [...seconds, minute, hour, day, month, weekday];
  const first = FIELDS.length - columns.length;
  return columns.map((column, index) => withoutRepeats(column, first + index));
}

/** A list with each of its numbers once: cron-parser refuses `1-3,2` and `0,7`, croniter does not. */
function withoutRepeats(column: string, position: number): string {
  const items = column.split(',');
  const field = FIELDS[position];
  const isList = items.length > 1 && !items.includes('');
  if (!isList || field === undefined || (field === 'dayOfWeek' && /[#L]/i.test(column))) return column;
  const values = [...new Set(items)].flatMap((item) => [...parsed(ANY_MOMENT.with(position, item))[field].values]);
  return [...new Set(values)].join(',');
}

type CronFields = ReturnType<typeof CronExpressionParser.parse>['fields'];

/**
 * The month is parsed separately: cron-parser refuses a date that its month never has, even if weekdays are allowed,
 * too.
 */
function fieldsOf(start: string): { fields: CronFields; months: NumberSet } {
  const columns = columnsOf(start);
  const month = columns.at(-2);
  const fields = parsed(month === undefined ? columns : columns.with(-2, '*'));
  return {
    fields,
    months: new NumberSet(
      month === undefined || month === '*' ? fields.month.values : parsed(['*', '*', month, '*']).month.values,
    ),
  };
}

/** Parses the columns. Date and zone are passed, since cron-parser would read the clock otherwise. */
function parsed(columns: readonly string[]): CronFields {
  return CronExpressionParser.parse(columns.join(' '), { tz: 'UTC', currentDate: new Date(0) }).fields;
}

function dayRule({ dayOfMonth, dayOfWeek }: CronFields, months: NumberSet): DayRule {
  const daysOfMonth = new NumberSet(numbersIn(dayOfMonth.values));
  const weekdays = new NumberSet(numbersIn(dayOfWeek.values).map((weekday) => weekday % DAYS_OF_WEEK));
  const lastWeekdays = dayOfWeek.values
    .filter((value) => typeof value === 'string')
    .map((value) => parseInt(value, 10));
  return {
    months,
    daysOfMonth,
    isLastDayAllowed: dayOfMonth.hasLastChar,
    isDayOfMonthRestricted: daysOfMonth.size < 31,
    weekdays,
    isWeekdayRestricted: weekdays.size < DAYS_OF_WEEK || dayOfWeek.nthDay > 0,
    nth: dayOfWeek.nthDay,
    lastWeekdays: new NumberSet(lastWeekdays.map((weekday) => weekday % DAYS_OF_WEEK)),
  };
}

/** The allowed dates of a month that has `length` days and begins on `firstWeekday`. Bit n is the n-th. */
function allowedDates(rule: DayRule, length: number, firstWeekday: number): number {
  let dates = 0;
  for (let date = 1; date <= length; date += 1) {
    if (isDateAllowed(rule, { date, length, weekday: (firstWeekday + date - 1) % DAYS_OF_WEEK })) dates |= 1 << date;
  }
  return dates;
}

function isDateAllowed(
  rule: DayRule,
  { date, length, weekday }: { date: number; length: number; weekday: number },
): boolean {
  const isDate = rule.daysOfMonth.has(date) || (rule.isLastDayAllowed && date === length);
  if (!rule.isWeekdayRestricted) return isDate;
  const isNth = rule.nth === 0 || Math.ceil(date / DAYS_OF_WEEK) === rule.nth;
  const isLast = date > length - DAYS_OF_WEEK && rule.lastWeekdays.has(weekday);
  if ((isNth && rule.weekdays.has(weekday)) || isLast) return true;
  const standsAlone = rule.nth > 0 || rule.lastWeekdays.size > 0;
  return rule.isDayOfMonthRestricted && !standsAlone && isDate;
}

function numbersIn(values: readonly (number | string)[]): number[] {
  return values.filter((value) => typeof value === 'number');
}

function daysOfFebruary(year: number): number {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
}

function spanOf(set: NumberSet): number {
  return set.greatest - set.least;
}

/** The longest step from a number of the set to the next one; 0 if there is only one number. */
function longestStep(set: NumberSet): number {
  let longest = 0;
  let before = set.least;
  for (const number of set) {
    longest = Math.max(longest, number - before);
    before = number;
  }
  return longest;
}
