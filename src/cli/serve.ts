import type { App } from '../app.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { toError } from '../errors.js';
import type { ConfigFlags, Terminal } from './terminal.js';
import { version } from './version.js';

export interface ServeOptions extends ConfigFlags {
  quiet: boolean;
}

type CreateApp = (config: Config, program: { version: string; pid: number }) => Promise<App>;

/** `tocsin serve`: runs until told to stop (0) or until the service can no longer work (1). */
export async function serve(options: ServeOptions, terminal: Terminal, appFactory = importApp): Promise<number> {
  const { config: file, flags, quiet } = options;
  const { config } = loadConfig({ file, flags, environment: terminal.environment });
  const createApp = await appFactory();
  const app = await createApp(config, { version: version(), pid: process.pid });
  const say = quiet ? (): void => {} : (line: string): void => terminal.out(`${line}\n`);
  try {
    await app.start();
    for (const line of [...app.summary(), ...hints(app)]) say(line);
    const failure = await endOf(app, terminal.stop);
    if (failure) terminal.err(`tocsin: stopping, because it can no longer work: ${failure.message}\n`);
    else say('Stopping.');
    await app.stop();
    return failure ? 1 : 0;
  } catch (thrown) {
    await app.stop().catch((cause: unknown) => terminal.err(`tocsin: ${toError(cause).message}\n`));
    throw thrown;
  }
}

/** Late, so that a mistake in the configuration is told before the whole service is loaded. */
async function importApp(): Promise<CreateApp> {
  const { createApp } = await import('../app.js');
  return createApp;
}

/** Resolves with the reason when the service fails, without one when it shall stop. */
function endOf(app: App, stop: AbortSignal): Promise<Error | undefined> {
  const settled = new AbortController();
  const stopped = new Promise<undefined>((resolve) => {
    if (stop.aborted) resolve(undefined);
    else stop.addEventListener('abort', () => resolve(undefined), { once: true, signal: settled.signal });
  });
  return Promise.race([stopped, app.failed]).finally(() => settled.abort());
}

function hints({ url }: App): string[] {
  if (url === undefined) return [];
  const json = `-H 'Content-Type: application/json'`;
  const alarm =
    '{"name": "cpu high", "type": "threshold", "alarm_actions": ["log://"], ' +
    '"threshold_rule": {"meter_name": "cpu_util", "comparison_operator": "gt", "threshold": 80}}';
  const sample =
    '[{"counter_name": "cpu_util", "counter_type": "gauge", "counter_unit": "%", "counter_volume": 95, "resource_id": "web-1"}]';
  return [
    '',
    'Three commands to try next: an alarm, a measurement that sets it off, and what became of it.',
    `  curl ${json} -d '${alarm}' ${url}/v2/alarms`,
    `  curl ${json} -d '${sample}' ${url}/v2/meters/cpu_util`,
    `  curl ${url}/v2/alarms`,
    '',
    'Ctrl-C stops it.',
  ];
}
