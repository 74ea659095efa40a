import { z } from 'zod';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export const DURATION_EXPECTED = 'expected a duration such as 250ms, 5s, 2m, 1h or 30d';

/** A duration as people write it, `250ms`, `5s`, `2m`, `1h`, `30d`, as milliseconds. */
export function duration(fallback: string, bounds: { min?: string; max?: string } = {}): z.ZodType<number> {
  const { min, max } = bounds;
  return z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const ms = toMilliseconds(text);
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

/** As people would write it: in the largest unit that leaves no rest, after rounding to seconds from a second on. */
export function durationText(ms: number): string {
  const rounded = ms < UNITS.s ? Math.round(ms) : Math.round(ms / UNITS.s) * UNITS.s;
  const [unit, size] = Object.entries(UNITS)
    .reverse()
    .find(([, one]) => rounded >= one && rounded % one === 0) ?? ['s', UNITS.s];
  return `${rounded / size}${unit}`;
}
