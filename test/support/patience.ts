/** How long clients of tests wait for an answer: longer than a busy machine takes. */
export const PATIENCE_MS = 60_000;
const SHORT_MS = 1_500;

/** The same, but short where the end of the client's patience is what the test is about. */
export function patienceFor(reason: string): number {
  return /in time|timeout/.test(reason) ? SHORT_MS : PATIENCE_MS;
}
