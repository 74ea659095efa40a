import { loadConfig } from '../config/load.js';
import { printConfig } from '../config/print.js';
import type { ConfigFlags, Terminal } from './terminal.js';

/** `tocsin config`. It can also check a file before a restart, since it refuses the same mistakes as `tocsin serve`. */
export function configCommand({ config: file, flags }: ConfigFlags, terminal: Terminal): void {
  const { settings } = loadConfig({ file, flags, environment: terminal.environment });
  terminal.out(printConfig(settings));
}
