/*
 * SQL for sums of volumes without overflow. If the sum of one group, or of its squares, exceeds the range of floats,
 * PostgreSQL fails the whole statement. So huge volumes are scaled down and summed separately. The functions below add
 * the two sums, and their result may be infinite.
 */

/** Volumes above this are huge. The squares of a thousand million smaller volumes can be added without overflow. */
const HUGE = '1e140';
/** A power of two, so that scaling by it loses nothing. */
const SCALE = 2 ** -600;

/** Returns the columns of `SummedRow`. `volume` is a trusted SQL expression, such as `s.volume`. */
export function sumColumns(volume: string): string {
  return `sum(${volume}) filter (where abs(${volume}) <= ${HUGE}) as small_sum,
          sum(case when abs(${volume}) > ${HUGE} then ${volume} * ${SCALE} end) as huge_sum`;
}

/** Sums of normal and of huge volumes. */
export interface SummedRow {
  count: number;
  /** Null if there is no volume of that size. */
  small_sum: number | null;
  huge_sum: number | null;
}

/** Returns sum and mean. The mean is infinite only if a volume is. */
export function sumAndMean({ count, small_sum, huge_sum }: SummedRow): { sum: number; avg: number } {
  const small = small_sum ?? 0;
  const huge = huge_sum ?? 0;
  return { sum: small + huge / SCALE, avg: small / count + huge / count / SCALE };
}

/** Returns the columns for `deviationOf`. */
export function deviationColumns(volume: string): string {
  return `stddev_pop(${volume}) filter (where abs(${volume}) <= ${HUGE}) as small_stddev,
          stddev_pop(case when abs(${volume}) > ${HUGE} then ${volume} * ${SCALE} else 0 end) as huge_stddev`;
}

/** Returns the standard deviation of the population. If there are huge volumes, the others are negligible. */
export function deviationOf({
  huge_sum,
  small_stddev,
  huge_stddev,
}: Pick<SummedRow, 'huge_sum'> & { small_stddev: number | null; huge_stddev: number }): number {
  return huge_sum === null ? (small_stddev ?? 0) : huge_stddev / SCALE;
}
