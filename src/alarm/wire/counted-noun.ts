/** A number with its noun: `1 datapoint`, `2 datapoints`. */
export function counted(count: number, singular: string): string {
  return `${count} ${singular}${count === 1 ? '' : 's'}`;
}
