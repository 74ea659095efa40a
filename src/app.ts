import { randomUUID } from 'node:crypto';

import { listenApi, listenManagement } from './app/api-role.js';
import { backendTexts } from './app/datasources/kinds.js';
import { createEvaluatorRole, type EvaluatorRole } from './app/evaluator-role.js';
import { createNotifierRole } from './app/notifier-role.js';
import { databaseLocation } from './app/open-database.js';
import { lacksKey } from './app/open-sealer.js';
import type { ReadinessCheck } from './api/ports.js';
import { openWaker } from './app/open-waker.js';
import { readiness } from './app/readiness.js';
import { createProcessReport } from './app/process-report.js';
import { openStreamWaker, type StreamWaker } from './app/stream-wakers.js';
import { createTimeKeeper } from './app/time-keeper.js';
import type { Listener } from './api/http/listen.js';
import type { ServerCertificate } from './api/http/server-certificate.js';
import { atMost } from './async/deadline.js';
import type { Config, ProcessRole } from './config/schema.js';
import { createLocalWaker, type NotifierWaker, type LocalWaker } from './notifier/waker.js';
import { createProcessStore, type EvaluatorReport } from './storage/cluster/process-store.js';
import { databaseTime } from './storage/engine/database-time.js';
import { Supervisor } from './supervisor.js';
import { openParts, type Overrides, type Parts, type Program } from './app/open-parts.js';

/** The service with the roles of its configuration. */
export interface App {
  /** Listens and starts the loops. Rejects with a StartupError if that fails. */
  start(): Promise<void>;
  /**
   * Stops listening, ends the loops, hands partitions over and releases all resources. Takes at most
   * `shutdown_timeout`. Idempotent.
   */
  stop(): Promise<void>;
  /** URL of the API once started; undefined without that role. */
  readonly url: string | undefined;
  /** Resolves with the reason if the service cannot continue. */
  readonly failed: Promise<Error>;
  /** Has the certificates of the listeners read again; undefined if none has TLS. */
  readonly reload: (() => void) | undefined;
  /** Lines for the terminal: addresses, place of the data, roles, backends. */
  summary(): string[];
}

/** Part of `shutdown_timeout` that is left after the loops, to leave the cluster and to release resources. */
const LEAVING_MS = 2_000;

/** Creates the service. The only place that connects its parts. Releases all resources if it rejects. */
export async function createApp(config: Config, program: Program, overrides: Overrides = {}): Promise<App> {
  return new Service(await openParts(config, program, overrides));
}

interface Wakers {
  waker: NotifierWaker;
  localWaker: LocalWaker;
  streamWaker: StreamWaker;
}

class Service implements App {
  readonly failed: Promise<Error>;
  readonly #supervisors: Partial<Record<ProcessRole | 'process', Supervisor>> = {};
  readonly #listeners: Listener[] = [];
  #evaluator: EvaluatorRole | undefined;
  #url: string | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #reportFailure!: (error: Error) => void;

  constructor(private readonly parts: Parts) {
    this.failed = new Promise((resolve) => (this.#reportFailure = resolve));
    void parts.failedLock.then((cause) =>
      this.#reportFailure(new Error(`lost the lock of the embedded database: ${cause.message}`, { cause })),
    );
  }

  get url(): string | undefined {
    return this.#url;
  }

  get reload(): (() => void) | undefined {
    const certificates = this.#certificates();
    if (certificates.length === 0) return undefined;
    return () => {
      for (const certificate of certificates) certificate.reload();
    };
  }

  start(): Promise<void> {
    return (this.#starting ??= this.#start());
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  summary(): string[] {
    const { config } = this.parts;
    const listening = this.#url === undefined ? [] : [`Tocsin listens on ${this.#url}`];
    const management = this.#listeners
      .filter(({ url }) => url !== this.#url)
      .map(({ url }) => `Health and metrics: ${url}`);
    const running = [
      `Data: ${databaseLocation(config)}`,
      `Roles: ${config.roles.join(', ')}`,
      `Backends: ${backendTexts(config).join(', ')}`,
    ];
    return [...listening, ...management, ...running];
  }

  async #start(): Promise<void> {
    const { config, clock, log, telemetry } = this.parts;
    const ready = (): Promise<ReadinessCheck[]> => this.#readiness();
    const localWaker = createLocalWaker();
    const waker = openWaker(this.parts, localWaker);
    const streamWaker = openStreamWaker(config, log, this.parts.resources);
    if (config.roles.includes('api')) {
      const api = await listenApi({
        ...this.parts,
        ...this.parts.program,
        log: log.child({ component: 'api' }),
        waker,
        streamWaker,
        readiness: ready,
      });
      this.#listeners.push(api);
      this.#url = api.url;
    }
    if (config.management.port !== undefined) {
      this.#listeners.push(
        await listenManagement({ config, clock, log, telemetry, readiness: ready }, config.management.port),
      );
    }
    for (const certificate of this.#certificates()) this.#supervisor('process').start(certificate);
    this.#startLoops({ waker, localWaker, streamWaker });
    this.#startReport();
    log.info('started', { roles: config.roles, url: this.#url });
  }

  #certificates(): ServerCertificate[] {
    return this.#listeners.flatMap(({ certificate }) => certificate ?? []);
  }

  #startLoops({ waker, localWaker, streamWaker }: Wakers): void {
    const { config, clock, log, db } = this.parts;
    if (config.roles.includes('notifier')) {
      const notifier = createNotifierRole({
        ...this.parts,
        ...this.parts.program,
        log: log.child({ component: 'notifier' }),
        waker,
        localWaker,
        streamWaker,
      });
      this.parts.resources.push('receivers', () => notifier.close());
      for (const loop of notifier.loops) this.#supervisor('notifier').start(loop);
    }
    if (config.roles.includes('evaluator')) {
      const name = `evaluator-${this.parts.program.pid}`;
      this.#evaluator = createEvaluatorRole({ ...this.parts, waker, streamWaker, name });
      for (const loop of this.#evaluator.loops) this.#supervisor('evaluator').start(loop);
    } else {
      const keeper = { clock, log, everyMs: config.evaluator.heartbeat, databaseTime: () => databaseTime(db) };
      this.#supervisor('process').start(createTimeKeeper(keeper));
    }
  }

  #startReport(): void {
    const { config, program, clock, log, db } = this.parts;
    const report = createProcessReport({
      store: createProcessStore(db),
      process: { id: randomUUID(), roles: config.roles, ...program },
      evaluator: () => this.#evaluatorReport(),
      isSingleProcess: db.kind === 'pglite',
      clock,
      log,
    });
    this.#supervisor('process').start(report);
  }

  #evaluatorReport(): EvaluatorReport | null {
    if (this.#evaluator === undefined) return null;
    const { coordinator, backends } = this.#evaluator;
    return {
      memberId: coordinator.memberId,
      coordination: coordinator.mode(),
      backends: backends.states().map(({ backend, isUp, since, reason }) => ({
        backend,
        isUp,
        since: since.toISOString(),
        reason: isUp ? null : reason,
      })),
    };
  }

  #supervisor(part: ProcessRole | 'process'): Supervisor {
    const known = this.#supervisors[part];
    if (known) return known;
    const { clock, log } = this.parts;
    const supervisor = new Supervisor({ clock, log });
    void supervisor.failed.then((error) => this.#reportFailure(error));
    return (this.#supervisors[part] = supervisor);
  }

  #readiness(): Promise<ReadinessCheck[]> {
    const { clock, db, redis } = this.parts;
    const evaluatorRole = this.#evaluator;
    return readiness({
      clock,
      pingDatabase: () => db.query('select 1'),
      supervisors: Object.values(this.#supervisors),
      redis: redis?.command,
      certificates: this.#certificates().map(({ state }) => state),
      unsealed: lacksKey(this.parts.config),
      loopbackReceivers: this.parts.config.egress.allow_loopback_receivers,
      backends: evaluatorRole && {
        withoutBackend: evaluatorRole.evaluator.withoutBackend(),
        failing: evaluatorRole.backends.failing(),
      },
      lateness: evaluatorRole?.evaluator.lateness(),
      evaluation:
        evaluatorRole &&
        (() => ({
          members: evaluatorRole.coordinator.view().length,
          partitions: evaluatorRole.coordinator.held().size,
          unloaded: evaluatorRole.evaluator.unloadedPartitions(),
          mode: evaluatorRole.coordinator.mode(),
          isProgressing: evaluatorRole.evaluator.makingProgress(),
        })),
    });
  }

  /**
   * Closes the listeners and ends the loops at the same time: evaluators release partitions while deliveries finish.
   */
  async #stop(): Promise<void> {
    const { config, clock, log, resources } = this.parts;
    await this.#starting?.catch(() => undefined); // the caller of start() gets the error
    const graceMs = Math.max(config.shutdown_timeout - LEAVING_MS, LEAVING_MS);
    const done = new AbortController();
    const grace = clock.sleep(graceMs, done.signal);
    await Promise.all([
      ...this.#listeners.map((listener) => listener.close(grace)),
      this.#stopLoops('evaluator', graceMs).then(() => this.#bounded(this.#evaluator?.coordinator.leave())),
      this.#stopLoops('notifier', graceMs),
      this.#stopLoops('process', graceMs),
    ]);
    done.abort();
    await this.#bounded(resources.release());
    log.info('stopped');
  }

  /** Waits at most `LEAVING_MS`, so that a database that hangs cannot keep the process from ending. */
  async #bounded(leaving: Promise<void> | undefined): Promise<void> {
    await atMost(this.parts.clock, LEAVING_MS, Promise.resolve(leaving));
  }

  async #stopLoops(part: ProcessRole | 'process', graceMs: number): Promise<void> {
    const late = await this.#supervisors[part]?.stop(graceMs);
    if (late && late.length > 0)
      this.parts.log.warn('loops did not end within shutdown_timeout: abandoned', { loops: late });
  }
}
