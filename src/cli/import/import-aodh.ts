import Table from 'cli-table3';

import type { Terminal } from '../terminal.js';
import type { AlarmDocument, AlarmService } from './alarm-service.js';

/** Result of the import of one alarm, from POST on `/v1/imports`. */
interface ImportResult {
  alarm_id: string;
  name: string;
  outcome: 'created' | 'updated' | 'unchanged' | 'active' | 'deleted' | 'refused';
  reason?: string;
  not_copied: { list: string; action: string }[];
}

const MEANING: Record<ImportResult['outcome'], string> = {
  created: 'copied, muted until `tocsin import --activate`',
  updated: 'copied before and changed in Aodh since then: updated',
  unchanged: 'copied before, unchanged',
  active: 'already active here: not changed',
  deleted: 'deleted here: not copied again',
  refused: 'not copied',
};
const PORTION = 100;

/**
 * `tocsin import aodh`. Copies all alarms, muted, and prints a report. Resolves to the exit code: 1 if an alarm or an
 * action was not copied, otherwise 0.
 */
export async function importAodh(from: AlarmService, to: AlarmService, terminal: Terminal): Promise<number> {
  const combinations: AlarmDocument[] = [];
  const results: ImportResult[] = [];
  for await (const page of from.alarms()) {
    combinations.push(...page.filter(({ type }) => type === 'combination'));
    results.push(
      ...(await send(
        to,
        page.filter(({ type }) => type !== 'combination'),
      )),
    );
  }
  results.push(...(await sendCombinations(to, combinations)));
  report(results, terminal);
  return results.some(({ outcome, not_copied }) => outcome === 'refused' || not_copied.length > 0) ? 1 : 0;
}

async function send(to: AlarmService, alarms: readonly AlarmDocument[]): Promise<ImportResult[]> {
  const results: ImportResult[] = [];
  for (let start = 0; start < alarms.length; start += PORTION) {
    results.push(...(await to.post<ImportResult[]>('v1/imports', alarms.slice(start, start + PORTION))));
  }
  return results;
}

/** Sends combinations after all other alarms, and refused ones again while some succeed, since they may be nested. */
async function sendCombinations(to: AlarmService, alarms: readonly AlarmDocument[]): Promise<ImportResult[]> {
  if (alarms.length === 0) return [];
  const results = await send(to, alarms);
  const refused = new Set(results.filter(({ outcome }) => outcome === 'refused').map(({ alarm_id }) => alarm_id));
  if (refused.size === 0 || refused.size === alarms.length) return results;
  const again = alarms.filter(({ alarm_id }) => refused.has(alarm_id));
  return [...results.filter(({ alarm_id }) => !refused.has(alarm_id)), ...(await sendCombinations(to, again))];
}

function report(results: readonly ImportResult[], terminal: Terminal): void {
  terminal.out(`${results.length} alarms in Aodh\n`);
  for (const [outcome, meaning] of Object.entries(MEANING)) {
    const count = results.filter((result) => result.outcome === outcome).length;
    if (count > 0) terminal.out(`${String(count).padStart(8)}  ${meaning}\n`);
  }
  const refused = results.filter(({ outcome }) => outcome === 'refused');
  if (refused.length > 0) {
    terminal.out('\nNot copied:\n');
    terminal.out(
      `${table(
        ['alarm', 'name', 'why'],
        refused.map(({ alarm_id, name, reason = '' }) => [alarm_id, name, reason]),
      )}\n`,
    );
  }
  const lost = results.flatMap(({ alarm_id, name, not_copied }) =>
    not_copied.map(({ list, action }) => [alarm_id, name, list, action]),
  );
  if (lost.length > 0) {
    terminal.out(
      '\nActions that were not copied, since Aodh does not reveal their trusts. Their owners have to add them again:\n',
    );
    terminal.out(`${table(['alarm', 'name', 'list', 'action'], lost)}\n`);
  }
}

function table(head: string[], rows: string[][]): string {
  const shown = new Table({ head, style: { head: [], border: [] } });
  shown.push(...rows);
  return shown.toString();
}
