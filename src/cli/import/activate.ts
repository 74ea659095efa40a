import type { Terminal } from '../terminal.js';
import type { AlarmService } from './alarm-service.js';

/**
 * `tocsin import --activate`. The imported alarms run their actions from now on. Stop Aodh's evaluator first; otherwise
 * both services run them. Resolves to the exit code: 1 if a given alarm or project has no muted alarm, otherwise 0.
 */
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
  const left = [...new Set(which.alarms)].filter((id) => !activated.includes(id));
  for (const id of left) terminal.err(`error: ${id} is not a muted imported alarm${within(which.project)}\n`);
  terminal.out(
    activated.length === 0
      ? `No muted alarms to activate${within(which.project)}.\n`
      : `${activated.length} alarms run their actions now.\n`,
  );
  const isEmptyProject = which.project !== undefined && activated.length === 0;
  return left.length > 0 || isEmptyProject ? 1 : 0;
}

function within(project: string | undefined): string {
  return project === undefined ? '' : ` in project ${project}`;
}
