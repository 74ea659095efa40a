/**
 * The `ETag` of an answer; undefined if it has none. A proxy that compresses an answer makes its tag weak. `If-Match`
 * takes strong tags only.
 */
export function tagOf({ headers }: Response): string | undefined {
  return headers.get('ETag')?.replace(/^W\//, '');
}
