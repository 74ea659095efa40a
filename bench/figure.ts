/** One measured figure. `within` tells whether it meets its budget; absent without one. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  budget?: string;
  within?: boolean;
}

/** A figure with a lower bound as its budget. */
export function atLeast(name: string, value: number, unit: string, bound: number): Figure {
  return { name, value: rounded(value), unit, budget: `≥ ${bound}`, within: value >= bound };
}

/** A figure with an upper bound as its budget. */
export function atMost(name: string, value: number, unit: string, bound: number): Figure {
  return { name, value: rounded(value), unit, budget: `≤ ${bound}`, within: value <= bound };
}

/** A figure without a budget. */
export function plain(name: string, value: number, unit: string): Figure {
  return { name, value: rounded(value), unit };
}

/** CPU seconds (user and system) that this process has used. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** The value below which `share` (0 to 1) of the values lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
