import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { isRoot } from '../../../dev/servers/local-process.js';
import { tiedCommand, type TiedCommand } from '../../../dev/servers/tied-command.js';
import { PYTHON } from '../../support/peer-programs.js';

/** A part of the network with an address of its own. */
export type Place = 'clients' | 'database' | 'redis' | 'backend' | 'receivers' | HostName;
export type HostName = 'host-1' | 'host-2' | 'host-3';

/** A direction in which nothing gets through. */
export interface Cut {
  from: Place;
  to: Place;
}

/** Three hosts in network namespaces, and the servers of this machine, each with an address of its own. */
export interface HostNetwork {
  /** All addresses, as a CIDR. */
  readonly range: string;
  addressOf(place: Place): string;
  /** The command that runs a program on a host, to be started by this process, with which it ends. */
  commandOn(host: HostName, program: string, args: readonly string[]): TiedCommand;
  /** Loses all frames of these directions from now on, and no others. Resolves to the number of frames lost before. */
  cut(cuts: readonly Cut[]): Promise<number>;
  stop(): Promise<void>;
}

export const HOSTS: readonly HostName[] = ['host-1', 'host-2', 'host-3'];
/** The last numbers of the addresses. */
const NUMBERS: Readonly<Record<Place, number>> = {
  clients: 254,
  database: 1,
  redis: 2,
  backend: 3,
  receivers: 4,
  'host-1': 11,
  'host-2': 12,
  'host-3': 13,
};
const SERVERS: readonly Place[] = ['clients', 'database', 'redis', 'backend', 'receivers'];
const PROGRAM = fileURLToPath(new URL('../../../../test/faults/hosts/network.py', import.meta.url));
/** Half of a round trip. */
const DELAY_S = 0.02;
const NETWORKS = 250;

/** Why this machine cannot have such a network; undefined if it can. */
export function hostNetworkObstacle(): string | undefined {
  if (!isRoot()) return 'network namespaces need root';
  if (!existsSync('/dev/net/tun')) return 'this machine has no /dev/net/tun';
  if (!existsSync(PYTHON)) return `this machine has no ${PYTHON}`;
  const tried = spawnSync('unshare', ['--net', 'true'], { encoding: 'utf8' });
  return tried.status === 0 ? undefined : 'network namespaces cannot be made here (unshare --net)';
}

/** Starts the network. It ends with this process, however it ends. @throws Error if its program ends at once. */
export async function startHostNetwork(): Promise<HostNetwork> {
  // Of the addresses for tests of networks (RFC 2544). Two runs at once have different ones.
  const prefix = `198.18.${process.pid % NETWORKS}`;
  const numbersOf = (places: readonly Place[]): string => places.map((place) => NUMBERS[place]).join(',');
  const args = [PROGRAM, prefix, numbersOf(SERVERS), numbersOf(HOSTS), String(DELAY_S)];
  const tied = tiedCommand(PYTHON, args, 'KILL');
  const child = spawn(tied.command, tied.args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextAnswer = async (): Promise<unknown> => {
    const { value, done } = await answers.next();
    if (done === true) throw new Error('the network of the hosts has ended');
    return JSON.parse(value) as unknown;
  };
  const pids = (await nextAnswer()) as number[];
  let last: Promise<unknown> = Promise.resolve();
  return {
    range: `${prefix}.0/24`,
    addressOf: (place) => `${prefix}.${NUMBERS[place]}`,
    commandOn: (host, program, programArgs) =>
      tiedCommand(
        'nsenter',
        [`--net=/proc/${pids[HOSTS.indexOf(host)]}/ns/net`, '--', program, ...programArgs],
        'KILL',
      ),
    cut(cuts) {
      const answered = last.then(() => {
        child.stdin.write(`${JSON.stringify(cuts.map(({ from, to }) => [NUMBERS[from], NUMBERS[to]]))}\n`);
        return nextAnswer() as Promise<number>;
      });
      last = answered.catch(() => undefined);
      return answered;
    },
    stop: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.stdin?.end();
  await gone;
}
