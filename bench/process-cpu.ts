import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in these. */
const TICKS_PER_SECOND = 100;
const COMMAND_END = ') ';
/** After the command, `man 5 proc`: the parent is the 2nd field, user and system time the 12th and 13th. */
const [PARENT, USER, SYSTEM] = [1, 11, 12] as const;

/**
 * CPU seconds that a process and all that descend from it have used; of those that ended, what their parent has
 * collected is not counted.
 */
export function cpuSecondsOf(pid: number): number {
  const all = new Map(readdirSync('/proc').filter(isNumber).flatMap(statOf));
  const members = new Set([pid]);
  for (let grown = 0; grown !== members.size;) {
    grown = members.size;
    for (const [id, { parent }] of all) if (members.has(parent)) members.add(id);
  }
  return [...members].reduce((sum, id) => sum + (all.get(id)?.ticks ?? 0), 0) / TICKS_PER_SECOND;
}

function isNumber(name: string): boolean {
  return /^\d+$/.test(name);
}

function statOf(id: string): [number, { parent: number; ticks: number }][] {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(COMMAND_END) + COMMAND_END.length).split(' ');
    return [[Number(id), { parent: Number(fields[PARENT]), ticks: Number(fields[USER]) + Number(fields[SYSTEM]) }]];
  } catch {
    return []; // it has ended meanwhile
  }
}
