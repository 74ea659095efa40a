import type { ShownSilence } from '../elements/silence-words.js';
import { durationText } from '../elements/time.js';

/** When a silence recurs, in words. */
export function openingText({ cron, duration, timezone }: NonNullable<ShownSilence['recurrence']>): string {
  return `each “${cron}” for ${durationText(duration * 1000)} (${timezone})`;
}
