import type { Terminal } from '../program.js';
import type { AlarmService } from './alarm-service.js';

/** `tocsin import --activate`: from now on the imported alarms run their actions. Stop Aodh's evaluator first, or both will. */
export async function activateImported(
  to: AlarmService,
  which: { project: string | undefined; alarms: readonly string[] },
  terminal: Terminal,
): Promise<number> {
  const { activated } = await to.post<{ activated: string[] }>('v1/imports/activate', {
    ...(which.project === undefined ? {} : { project_id: which.project }),
    ...(which.alarms.length === 0 ? {} : { alarm_ids: which.alarms }),
  });
  for (const id of activated) terminal.out(`activated ${id}\n`);
  terminal.out(activated.length === 0 ? 'No muted alarms to activate.\n' : `${activated.length} alarms run their actions now.\n`);
  return 0;
}
