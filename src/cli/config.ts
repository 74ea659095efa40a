import { loadConfig } from '../config/load.js';
import { printConfig } from '../config/print.js';
import type { ConfigFlags, Terminal } from './terminal.js';

/** `tocsin config`: also the way to check a file before a restart, since mistakes are refused here as there. */
export function configCommand({ config: file, flags }: ConfigFlags, terminal: Terminal): void {
  const { settings } = loadConfig({ file, flags, environment: terminal.environment });
  terminal.out(printConfig(settings));
}
