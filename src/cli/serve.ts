import type { App } from '../app.js';
import { untilAborted } from '../async/deadline.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { toError } from '../errors.js';
import type { ConfigFlags, Terminal } from './terminal.js';
import { version } from './version.js';

/** Options of `tocsin serve`. */
export interface ServeOptions extends ConfigFlags {
  quiet: boolean;
}

type CreateApp = (config: Config, program: { version: string; pid: number }) => Promise<App>;

/** `tocsin serve`. Resolves to 0 after it was stopped, and to 1 after a failure that ended the service. */
export async function serve(options: ServeOptions, terminal: Terminal, appFactory = importApp): Promise<number> {
  const { config: file, flags, quiet } = options;
  const { config } = loadConfig({ file, flags, environment: terminal.environment });
  const createApp = await appFactory();
  const app = await createApp(config, { version: version(), pid: process.pid });
  const say = quiet ? (): void => {} : (line: string): void => terminal.out(`${line}\n`);
  try {
    await app.start();
    if (app.reload) terminal.onHangup?.(app.reload);
    for (const line of [...app.summary(), ...hints(app)]) say(line);
    const failure = await untilAborted(app.failed, terminal.stop, () => undefined);
    if (failure) terminal.err(`tocsin: stopping after a failure: ${failure.message}\n`);
    else say('Stopping.');
    await app.stop();
    return failure ? 1 : 0;
  } catch (thrown) {
    await app.stop().catch((cause: unknown) => terminal.err(`tocsin: ${toError(cause).message}\n`));
    throw thrown;
  }
}

/** Imports the service only after the configuration is valid, so that mistakes are reported without delay. */
async function importApp(): Promise<CreateApp> {
  const { createApp } = await import('../app.js');
  return createApp;
}

function hints({ url }: App): string[] {
  if (url === undefined) return [];
  const json = `-H 'Content-Type: application/json'`;
  const alarm =
    '{"name": "cpu high", "type": "threshold", "alarm_actions": ["log://"], ' +
    '"threshold_rule": {"meter_name": "cpu_util", "comparison_operator": "gt", "threshold": 80}}';
  const sample =
    '[{"counter_name": "cpu_util", "counter_type": "gauge", "counter_unit": ' +
    '"%", "counter_volume": 95, "resource_id": "web-1"}]';
  return [
    '',
    'Try these commands: create an alarm, send a sample above its threshold, and read the state of the alarm.',
    `  curl ${json} -d '${alarm}' ${url}/v2/alarms`,
    `  curl ${json} -d '${sample}' ${url}/v2/meters/cpu_util`,
    `  curl ${url}/v2/alarms`,
    '',
    'Ctrl-C stops Tocsin.',
  ];
}
