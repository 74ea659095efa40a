import type { Problem } from './problem.js';

/** The values of one source (file, environment or flags), as written, by the name of the option. */
export interface Layer {
  values: Map<string, Setting>;
  problems: Problem[];
}

/** A value as written, and its place for messages: a variable, a flag, or file and line. */
export interface Setting {
  value: unknown;
  origin: string;
}
