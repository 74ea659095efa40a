import type { Problem } from './problem.js';

/**
 * What one source says: values as they are written, by option name or, for unknown options, by whatever name was used.
 */
export interface Layer {
  values: Map<string, Setting>;
  problems: Problem[];
}

export interface Setting {
  value: unknown;
  origin: string;
}
