import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { tiedCommand } from '../servers/tied-command.js';
import { freePort, ownProcess, type OwnProcess } from '../servers/local-process.js';

/** Path of the compiled program. */
const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export type Role = 'api' | 'evaluator' | 'notifier';

/** One process of the service. */
export interface ServiceProcess extends OwnProcess {
  name: string;
  role: Role;
  managementUrl: string;
}

/** Environment and output of started processes. */
export interface LaunchOptions {
  environment: Record<string, string | undefined>;
  /** Called with each line of output and the name of its process. */
  say: (name: string, line: string) => void;
}

/** Starts the service with one role, in its own process group, so that Ctrl-C does not reach it directly. */
export async function startService(name: string, role: Role, options: LaunchOptions): Promise<ServiceProcess> {
  const port = await freePort();
  const environment = { ...options.environment, TOCSIN_MANAGEMENT_PORT: String(port) };
  const own = await startProgram(name, ['serve', '--roles', role], { ...options, environment });
  return { ...own, name, role, managementUrl: `http://127.0.0.1:${port}` };
}

/** Runs a command of the program and passes its output on line by line. */
export async function startProgram(name: string, args: readonly string[], options: LaunchOptions): Promise<OwnProcess> {
  const tied = tiedCommand(process.execPath, [PROGRAM, ...args], 'KILL');
  const child = spawn(tied.command, tied.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.environment,
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => options.say(name, line));
  }
  return ownProcess(child, name);
}
