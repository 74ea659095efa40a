import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Clock } from '../../src/clock.js';

interface Started {
  name: string;
  pid: number;
  /** Start time in the kernel's unit. It detects that the kernel has given the pid to another process. */
  startedAt: string;
}

const FILE = 'processes.json';
const SERVERS = ['PostgreSQL', 'Redis'];
const POLL_MS = 50;
/** Node.js and Redis end at the first signal. PostgreSQL does a fast shutdown, then an immediate one. */
const STEPS = [
  { signal: 'SIGINT', waitMs: 5_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
] as const;

/** Records started processes in a file, so that the next run can end those of a killed run. */
export class Leftovers {
  readonly #file: string;
  #started: Started[] = [];

  constructor(dir: string) {
    this.#file = path.join(dir, FILE);
  }

  /** Records a process. */
  add(name: string, pid: number): void {
    const startedAt = startOf(pid);
    if (startedAt !== undefined) this.#write([...this.#started, { name, pid, startedAt }]);
  }

  /** Ends recorded processes that still run and returns their names. The caller must hold the lock of the folder. */
  async end(clock: Clock): Promise<string[]> {
    const recorded = existsSync(this.#file) ? (JSON.parse(readFileSync(this.#file, 'utf8')) as Started[]) : [];
    const running = recorded.filter(isRunning);
    // The servers end last, since the service needs them for its own shutdown.
    const servers = running.filter(({ name }) => SERVERS.includes(name));
    await endTogether(
      running.filter(({ name }) => !SERVERS.includes(name)),
      clock,
    );
    await endTogether(servers, clock);
    this.#write([]);
    return running.map(({ name }) => name);
  }

  #write(started: Started[]): void {
    this.#started = started;
    writeFileSync(this.#file, JSON.stringify(started), { mode: 0o600 });
  }
}

async function endTogether(running: readonly Started[], clock: Clock): Promise<void> {
  for (const { signal, waitMs } of STEPS) {
    for (const { pid } of running.filter(isRunning)) process.kill(pid, signal);
    const deadline = clock.monotonicMs() + waitMs;
    while (running.some(isRunning) && clock.monotonicMs() < deadline) await clock.sleep(POLL_MS);
  }
}

function isRunning({ pid, startedAt }: Started): boolean {
  return startOf(pid) === startedAt;
}

const STATE = 0;
const START_TIME = 19;

/** The start time of a process. Undefined without /proc, for a pid that does not exist, and for a zombie. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name in parentheses may hold blanks
    return fields[STATE] === 'Z' ? undefined : fields[START_TIME];
  } catch {
    return undefined;
  }
}
