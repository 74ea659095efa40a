import Table from 'cli-table3';

/** A process in the table. */
export interface ShownProcess {
  name: string;
  role: string;
  pid: number;
  ended: boolean;
  managementUrl: string;
}

/** Number of partitions of an owner; null counts partitions without one. */
export interface OwnerCount {
  owner: string | null;
  count: number;
}

/** A table of processes with the number of their partitions. The pid in the name of an owner identifies its process. */
export function shareTable(processes: readonly ShownProcess[], owners: readonly OwnerCount[]): string {
  const table = new Table({
    head: ['process', 'pid', 'partitions', 'metrics and health'],
    style: { head: [], border: [] },
  });
  const counts = new Map(owners.map(({ owner, count }) => [ownerPid(owner), count]));
  for (const shown of processes) {
    const count = counts.get(shown.pid) ?? 0;
    counts.delete(shown.pid);
    if (!shown.ended || count > 0) table.push(rowOf(shown, count));
  }
  for (const [owner, count] of counts) {
    const name = typeof owner === 'number' ? 'an ended evaluator' : (owner ?? 'no owner');
    table.push([name, typeof owner === 'number' ? owner : '', count, '']);
  }
  return table.toString();
}

function rowOf({ name, role, pid, ended, managementUrl }: ShownProcess, count: number): (string | number)[] {
  return [ended ? `${name} (ended)` : name, pid, role === 'evaluator' ? count : '', ended ? '' : managementUrl];
}

/** Member ids look like `evaluator-<pid>-<uuid>`. */
function ownerPid(owner: string | null): number | string | null {
  const pid = /^[a-z]+-(\d+)-/.exec(owner ?? '')?.[1];
  return pid === undefined ? owner : Number(pid);
}
