import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second, the unit in which Linux counts CPU time. */
const TICKS_PER_SECOND = 100;
const COMMAND_END = ') ';
/** Fields of /proc/<pid>/stat after the command (`man 5 proc`): parent, user time and system time. */
const [PARENT, USER, SYSTEM] = [1, 11, 12] as const;

/** CPU seconds of a process and all its running descendants. Descendants that have ended are not counted. */
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
    return []; // the process has ended
  }
}
