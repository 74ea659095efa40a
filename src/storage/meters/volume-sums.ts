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

/** Returns the columns of `SquaresRow`. A variance times its count is a sum of squares about the mean. */
export function squaresColumns(volume: string): string {
  const small = `filter (where abs(${volume}) <= ${HUGE})`;
  return `count(${volume}) ${small} as small_count,
          coalesce(var_pop(${volume}) ${small} * count(${volume}) ${small}, 0) as small_squares,
          var_pop(case when abs(${volume}) > ${HUGE} then ${volume} * ${SCALE} else 0 end) * count(*) as huge_squares`;
}

/** Sums of squares about the mean: of normal volumes, and of all with the normal ones as 0. */
export interface SquaresRow extends SummedRow {
  small_count: number;
  small_squares: number;
  huge_squares: number;
}

/** Adds the sums of another part of the same group. */
export function addSums(total: SummedRow, part: SummedRow): void {
  total.count += part.count;
  total.small_sum = addedSums(total.small_sum, part.small_sum);
  total.huge_sum = addedSums(total.huge_sum, part.huge_sum);
}

/** Adds the sums and the squares of another part of the same group. */
export function addSquares(total: SquaresRow, part: SquaresRow): void {
  total.small_squares = joinedSquares(
    { count: total.small_count, sum: total.small_sum ?? 0, squares: total.small_squares },
    { count: part.small_count, sum: part.small_sum ?? 0, squares: part.small_squares },
  );
  total.huge_squares = joinedSquares(
    { count: total.count, sum: total.huge_sum ?? 0, squares: total.huge_squares },
    { count: part.count, sum: part.huge_sum ?? 0, squares: part.huge_squares },
  );
  total.small_count += part.small_count;
  addSums(total, part);
}

interface Squares {
  count: number;
  sum: number;
  squares: number;
}

/** As PostgreSQL joins the parts of a parallel aggregate: exact but for rounding. */
function joinedSquares(a: Squares, b: Squares): number {
  if (a.count === 0) return b.squares;
  if (b.count === 0) return a.squares;
  const difference = a.sum / a.count - b.sum / b.count;
  return a.squares + b.squares + (difference * difference * a.count * b.count) / (a.count + b.count);
}

function addedSums(a: number | null, b: number | null): number | null {
  return a === null ? b : a + (b ?? 0);
}

/** Returns the standard deviation of the population. If there are huge volumes, the others are negligible. */
export function deviationOf({ count, huge_sum, small_count, small_squares, huge_squares }: SquaresRow): number {
  if (huge_sum !== null) return Math.sqrt(huge_squares / count) / SCALE;
  return small_count === 0 ? 0 : Math.sqrt(small_squares / small_count);
}
