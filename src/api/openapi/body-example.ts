/** An example of a body, as the document shows it. */
export interface BodyExample {
  summary: string;
  value: unknown;
}
