import type { Environment } from '../config/environment.js';
import type { Flag } from '../config/load.js';

/** The parts of its process that a command uses. Tests pass their own. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  environment: Environment;
  /** Aborts when the process is told to end (Ctrl-C, SIGTERM, a closed terminal). */
  stop: AbortSignal;
  /**
   * Has each SIGHUP from now on call `handler` instead of ending the process. Undefined if the process has a terminal,
   * whose end SIGHUP announces.
   */
  onHangup?: ((handler: () => void) => void) | undefined;
}

/** Options of every command that reads a configuration. */
export interface ConfigFlags {
  config?: string;
  flags: Flag[];
}
