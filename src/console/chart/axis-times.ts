import { timeText } from '../elements/time.js';

const MINUTE_S = 60;
const DAY_S = 86_400;

/** Texts of ticks in seconds since 1970, `stepS` apart: times, with the day below the first tick of each day. */
export function axisTimes(ticks: readonly number[], stepS: number): string[] {
  let dayBefore: string | undefined;
  return ticks.map((tick) => {
    const time = new Date(tick * 1000);
    const day = timeText(time, 'day');
    if (stepS >= DAY_S) return day;
    const isFirstOfDay = day !== dayBefore;
    dayBefore = day;
    return timeText(time, stepS < MINUTE_S ? 'time' : 'minute') + (isFirstOfDay ? `\n${day}` : '');
  });
}
