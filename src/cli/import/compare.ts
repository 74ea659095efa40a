import Table from 'cli-table3';

import type { Terminal } from '../terminal.js';
import type { AlarmDocument, AlarmService } from './alarm-service.js';

type Known = Pick<AlarmDocument, 'name' | 'state'> & { since: string };

/**
 * `tocsin import compare`. Lists alarms whose states differ and alarms that only one service has. Resolves to the exit
 * code: 1 if there are any, otherwise 0.
 */
export async function compareStates(theirs: AlarmService, ours: AlarmService, terminal: Terminal): Promise<number> {
  const inAodh = await statesOf(theirs);
  const here = await statesOf(ours);
  const rows: string[][] = [];
  for (const [id, { name, state, since }] of inAodh) {
    const known = here.get(id);
    if (known?.state !== state)
      rows.push([id, name, `${state} since ${since}`, known ? `${known.state} since ${known.since}` : 'missing']);
  }
  for (const [id, { name, state }] of here) if (!inAodh.has(id)) rows.push([id, name, 'missing', state]);
  const both = [...inAodh.keys()].filter((id) => here.has(id)).length;
  terminal.out(`${both} alarms in both, ${rows.length} differ\n`);
  if (rows.length === 0) return 0;
  const table = new Table({ head: ['alarm', 'name', 'Aodh', 'Tocsin'], style: { head: [], border: [] } });
  table.push(...rows);
  terminal.out(`${table.toString()}\n`);
  return 1;
}

async function statesOf(service: AlarmService): Promise<Map<string, Known>> {
  const states = new Map<string, Known>();
  for await (const page of service.alarms()) {
    for (const { alarm_id, name, state, state_timestamp: since } of page)
      states.set(alarm_id, { name, state, since: String(since) });
  }
  return states;
}
