import { z } from 'zod';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The message for text that is not a duration. */
export const DURATION_EXPECTED = 'expected a duration such as 250ms, 5s, 2m, 1h or 30d';

interface DurationBounds {
  min?: string;
  max?: string;
}

/** Schema of a duration such as `250ms`, `5s`, `2m`, `1h` or `30d`. Parses to milliseconds. */
export function duration(fallback: string, bounds: DurationBounds = {}): z.ZodType<number> {
  return inMilliseconds(z.string().default(fallback), bounds);
}

/** Schema of a duration without a default, for an option whose default depends on other options. */
export function optionalDuration(bounds: DurationBounds = {}): z.ZodType<number | undefined> {
  return inMilliseconds(z.string(), bounds).optional();
}

function inMilliseconds(text: z.ZodType<string>, { min, max }: DurationBounds): z.ZodType<number> {
  return text
    .transform((given, context) => {
      const ms = toMilliseconds(given);
      const problem =
        ms === undefined
          ? DURATION_EXPECTED
          : min !== undefined && ms < toMilliseconds(min)!
            ? `must be at least ${min}`
            : max !== undefined && ms > toMilliseconds(max)!
              ? `must be at most ${max}`
              : undefined;
      if (ms !== undefined && problem === undefined) return ms;
      context.addIssue({ code: 'custom', message: problem ?? '' });
      return z.NEVER;
    })
    .meta({ kind: 'duration' });
}

function toMilliseconds(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  return amount === undefined ? undefined : Number(amount) * UNITS[unit as keyof typeof UNITS];
}

/** Formats a duration in the largest unit without a remainder. Durations of 1 s or more are rounded to seconds. */
export function durationText(ms: number): string {
  const rounded = ms < UNITS.s ? Math.round(ms) : Math.round(ms / UNITS.s) * UNITS.s;
  const [unit, size] = Object.entries(UNITS)
    .reverse()
    .find(([, one]) => rounded >= one && rounded % one === 0) ?? ['s', UNITS.s];
  return `${rounded / size}${unit}`;
}
