import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Clock } from '../../src/clock.js';

interface Started {
  name: string;
  pid: number;
  /**
   * When it started, as the kernel counts. With it a number that has gone to another process meanwhile is told apart.
   */
  startedAt: string;
}

const FILE = 'processes.json';
const SERVERS = ['PostgreSQL', 'Redis'];
const POLL_MS = 50;
/** All that we start understands these: node and Redis end, PostgreSQL shuts down fast, then immediately. */
const STEPS = [
  { signal: 'SIGINT', waitMs: 5_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
] as const;

/** Remembers what was started, so that the next run can end what a killed one left behind. */
export class Leftovers {
  readonly #file: string;
  #started: Started[] = [];

  constructor(dir: string) {
    this.#file = path.join(dir, FILE);
  }

  add(name: string, pid: number): void {
    const startedAt = startOf(pid);
    if (startedAt !== undefined) this.#write([...this.#started, { name, pid, startedAt }]);
  }

  /** Only for whoever has the folder to itself. Returns the names of what was still running and is ended now. */
  async end(clock: Clock): Promise<string[]> {
    const recorded = existsSync(this.#file) ? (JSON.parse(readFileSync(this.#file, 'utf8')) as Started[]) : [];
    const running = recorded.filter(isRunning);
    // The servers were started first; the service still needs them to say goodbye.
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

/** Undefined where there is no /proc, for what does not run, and for what has ended and only waits to be collected. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before it may hold blanks
    return fields[STATE] === 'Z' ? undefined : fields[START_TIME];
  } catch {
    return undefined;
  }
}
