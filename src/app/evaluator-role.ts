import type { ServiceClock } from '../clock.js';
import type { Config } from '../config/schema.js';
import { createEvaluator, type Evaluator } from '../evaluator/evaluator.js';
import { createHousekeeping, type Chore } from '../housekeeping.js';
import type { KeystoneSession } from '../keystone/session.js';
import type { Logger } from '../logger.js';
import type { NotifierWaker } from '../notifier/waker.js';
import { createCoordinator, type Coordinator } from '../partition/coordinator.js';
import type { Redis } from '../redis.js';
import type { ReleaseStack } from '../release-stack.js';
import type { Database } from '../storage/database.js';
import { createBehindStore } from '../storage/evaluation/behind-store.js';
import { createEvaluationCommit } from '../storage/evaluation/evaluation-commit.js';
import { createEvaluationCounterStore } from '../storage/evaluation/evaluation-counter-store.js';
import { createEvaluationStore } from '../storage/evaluation/evaluation-store.js';
import { createMemberStore } from '../storage/evaluation/member-store.js';
import { createPartitionStore } from '../storage/evaluation/partition-store.js';
import { createSettleAlarms } from '../storage/silences/settle-store.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import { createBackendHealth, type BackendHealth } from './datasources/backend-health.js';
import { openDatasources } from './datasources/open.js';
import { endedSecretsChore } from './ended-secrets.js';
import { endedSessionsChore } from './ended-sessions.js';
import { oldIdempotencyKeysChore } from './idempotency.js';
import { endingKeysChore } from './ending-keys.js';
import { waitingFiringsChore } from './waiting-firings.js';
import { retentionChores } from './retention.js';
import { wakingStream, type StreamWaker } from './stream-wakers.js';
import { alarmLinkIn } from './alarm-link.js';
import { streamChore } from './streams.js';
import { trustChore } from './trusts.js';

/** Default of `evaluator.backend_grace`, in intervals. */
const GRACE_INTERVALS = 3;

/** Dependencies of the evaluator role. */
export interface EvaluatorRoleDeps {
  config: Config;
  db: Database;
  /** For heartbeats and ownership only. */
  coordinationDb: Database;
  redis: { command: Redis; subscriber: Redis } | undefined;
  waker: NotifierWaker;
  streamWaker: StreamWaker;
  keystone: KeystoneSession | undefined;
  clock: ServiceClock;
  log: Logger;
  telemetry: Telemetry;
  resources: Pick<ReleaseStack, 'push'>;
  /** Name of this process in the list of members, for operators. */
  name: string;
}

/** The evaluator of a process, with its loops. */
export interface EvaluatorRole {
  loops: Loop[];
  coordinator: Coordinator;
  evaluator: Evaluator;
  backends: Pick<BackendHealth, 'failing' | 'states'>;
}

/** Time for which an alarm keeps its state while a backend that it needs is unavailable, in milliseconds. */
export function graceOf({ evaluator }: Pick<Config, 'evaluator'>): number {
  return evaluator.backend_grace ?? GRACE_INTERVALS * evaluator.interval;
}

/** Creates evaluator, coordinator and housekeeping. The coordinator gives the evaluator its partitions. */
export function createEvaluatorRole(deps: EvaluatorRoleDeps): EvaluatorRole {
  const { config, db, clock, log, telemetry } = deps;
  const { interval, lease, heartbeat, deadline } = config.evaluator;
  const graceMs = graceOf(config);
  const coordinator: Coordinator = createCoordinator({
    members: createMemberStore(deps.coordinationDb),
    partitions: createPartitionStore(deps.coordinationDb),
    redis: deps.redis,
    prefix: config.redis.prefix,
    leaseMs: lease,
    heartbeatMs: heartbeat,
    name: deps.name,
    isSingleProcess: db.kind === 'pglite',
    clock,
    log: log.child({ component: 'partition' }),
    telemetry,
    listener: {
      taken: (partitions) => evaluator.taken(partitions),
      dropped: (ids) => evaluator.dropped(ids),
      isBusy: (id) => evaluator.isBusy(id),
      isLoaded: (id) => evaluator.isLoaded(id),
    },
    makingProgress: () => evaluator.makingProgress(),
    seenRevision: () => evaluator.seen(),
  });
  const health = createBackendHealth({
    clock,
    log: log.child({ component: 'evaluator' }),
    telemetry,
    intervalMs: interval,
    graceMs,
    alarmsInOutage: () => evaluator.alarmsInOutage(),
  });
  const datasources = openDatasources({ ...deps, health });
  deps.resources.push('backends of the evaluator', () => datasources.close());
  const evaluator: Evaluator = createEvaluator({
    store: createEvaluationStore(db),
    commit: wakingStream(createEvaluationCommit(db, { alarmLink: alarmLinkIn(config) }), deps.streamWaker),
    settle: createSettleAlarms(db),
    datasources,
    waker: deps.waker,
    clock,
    log: log.child({ component: 'evaluator' }),
    telemetry,
    memberId: coordinator.memberId,
    intervalMs: interval,
    deadlineMs: deadline,
    statementMs: config.database.statement_timeout,
    graceMs,
    hasExtraBatches: config.evaluator.extra_batches,
    random: Math.random,
    defaultPolicy: config.notifier.policy,
    countResults: config.api.evaluation_results_metrics ? createEvaluationCounterStore(db).add : undefined,
    recordBehind: createBehindStore(db, coordinator.memberId),
    mayCommit: () => coordinator.mayCommit(),
    onLoaded: () => coordinator.wake(),
  });
  return { loops: [coordinator.loop, evaluator.loop, housekeepingOf(deps)], coordinator, evaluator, backends: health };
}

function housekeepingOf(deps: EvaluatorRoleDeps): Loop {
  const log = deps.log.child({ component: 'housekeeping' });
  return createHousekeeping({ clock: deps.clock, log, chores: choresOf(deps, log) });
}

function choresOf(deps: EvaluatorRoleDeps, log: Logger): Chore[] {
  const { config, db, keystone, telemetry } = deps;
  const trusts = trustChore({ config, db, keystone, log });
  return [
    ...(trusts ? [trusts] : []),
    waitingFiringsChore({ ...deps, log }),
    endingKeysChore({ db, log, telemetry }),
    endedSessionsChore(db),
    endedSecretsChore(db),
    oldIdempotencyKeysChore(db),
    streamChore({ config, db }),
    ...retentionChores(config, db),
  ];
}
