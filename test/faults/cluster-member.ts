import type { Role, ServiceProcess } from '../../dev/cluster/service-process.js';
import type { FaultProxy } from './proxy.js';
import type { StoppedProcess } from './records.js';
import { TIMINGS } from './timings.js';

/** The proxies through which a process reaches each server. */
export interface Links {
  database: FaultProxy;
  redis: FaultProxy;
  backend: FaultProxy;
}

/** What a member is made of. */
export interface MemberOptions {
  name: string;
  role: Role;
  links: Links;
  /** File with the shift of its wall clock in milliseconds; without it the clock is right. */
  clockFile: string;
  /** File with the milliseconds for which its main thread is to stand still; then it is removed. */
  blockFile: string;
  start: () => Promise<ServiceProcess>;
}

/** Longest time in which a process that is asked to stop may do so; then it is killed, and its end recorded. */
const STOP_MS = 2 * (TIMINGS.attemptMs + 5_000);

const READY_MS = 60_000;
const REQUEST_MS = 3_000;
const RESTART_MS = 1_000;
const POLL_MS = 100;

/** One place in the cluster: a process, and the one that takes its place after its end. */
export class Member {
  readonly name: string;
  readonly role: Role;
  readonly links: Links;
  readonly clockFile: string;
  readonly blockFile: string;
  /** Its unexpected ends. */
  readonly crashes: string[] = [];
  readonly stops: StoppedProcess[] = [];
  #process: ServiceProcess | undefined;
  #isEndExpected = false;

  constructor(private readonly options: MemberOptions) {
    this.name = options.name;
    this.role = options.role;
    this.links = options.links;
    this.clockFile = options.clockFile;
    this.blockFile = options.blockFile;
  }

  get pid(): number {
    if (this.#process === undefined) throw new Error(`${this.name} was not started`);
    return this.#process.pid;
  }

  get managementUrl(): string {
    if (this.#process === undefined) throw new Error(`${this.name} was not started`);
    return this.#process.managementUrl;
  }

  /** Starts it and waits until it is ready, or a minute at most. */
  async start(): Promise<void> {
    const started = await this.options.start();
    this.#process = started;
    this.#isEndExpected = false;
    void started.exited.then((outcome) => this.#startAfterCrash(started, outcome));
    for (const deadline = Date.now() + READY_MS; Date.now() < deadline && !started.hasExited();) {
      const isReady = await fetch(`${started.managementUrl}/readyz`, { signal: AbortSignal.timeout(REQUEST_MS) }).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isReady) return;
      await pause(POLL_MS);
    }
  }

  /** As the supervisor of a service does. */
  async #startAfterCrash(ended: ServiceProcess, outcome: string): Promise<void> {
    if (this.#isEndExpected || this.#process !== ended) return;
    this.crashes.push(`${this.name}: ${outcome}`);
    await pause(RESTART_MS);
    // It may have been ended for good meanwhile.
    if (this.#process === ended) await this.start();
  }

  /** Kills it at once. Resolves when it is gone, to its end as text. */
  async kill(): Promise<string> {
    this.#isEndExpected = true;
    process.kill(this.pid, 'SIGKILL');
    return (await this.#process?.exited) ?? '';
  }

  /** Asks it to stop and records how it did. */
  async stop(): Promise<StoppedProcess> {
    this.#isEndExpected = true;
    const atMs = Date.now();
    await this.#process?.stop([
      { signal: 'SIGTERM', waitMs: STOP_MS },
      { signal: 'SIGKILL', waitMs: 2_000 },
    ]);
    const exitCode = (await this.#process?.exited) ?? '';
    const stopped = { name: this.name, atMs, tookMs: Date.now() - atMs, exitCode };
    this.stops.push(stopped);
    return stopped;
  }

  /** Stops it from running until `resume`. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Ends it for good, running or not. */
  async end(): Promise<void> {
    this.#isEndExpected = true;
    if (this.#process?.hasExited() === false) await this.kill();
    this.#process = undefined;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
