import type { FaultKind } from '../fault-kind.js';
import {
  failingBackend,
  garbledBackend,
  refusingBackend,
  silentBackend,
  slowBackend,
  unauthorizedBackend,
} from './backend-faults.js';
import { backendDown } from './backend-down.js';
import { blockedEvaluator, blockedNotifier } from './blocked-loop.js';
import { clockJump } from './clock-jump.js';
import { fewDescriptorsOfEvaluator, fewDescriptorsOfNotifier } from './few-descriptors.js';
import { membershipChurn } from './membership-churn.js';
import { poisonAlarms } from './poison-alarms.js';
import { crashes, cutInClaim, cutInCommit } from './moment-faults.js';
import {
  cutEvaluatorBackend,
  cutEvaluatorDatabase,
  cutEvaluatorRedis,
  cutNotifierDatabase,
  cutNotifierRedis,
  slowDatabase,
} from './link-faults.js';
import { pausedPostgres, restartedPostgres, terminatedConnections } from './postgres-faults.js';
import {
  killApi,
  killEvaluator,
  killNotifier,
  pauseEvaluator,
  pauseNotifier,
  rollingRestart,
} from './process-faults.js';
import {
  failingReceiver,
  hangingReceiver,
  resettingReceiver,
  retryAfterReceiver,
  slowReceiver,
} from './receiver-faults.js';
import { emptyRedis, flushRedis, killedRedisClients, pausedRedis, stoppedRedis } from './redis-faults.js';
import { lockedRow } from './row-lock.js';

/** A quick one of each sort, in a fixed order: none begins while a process that an earlier one ended still starts. */
export const SMOKE_KINDS: readonly FaultKind[] = [
  killEvaluator,
  emptyRedis,
  killApi,
  restartedPostgres,
  killNotifier,
  failingBackend,
  flushRedis,
  pauseEvaluator,
  clockJump,
  resettingReceiver,
  terminatedConnections,
];

/** All kinds, for long runs. */
export const ALL_KINDS: readonly FaultKind[] = [
  ...SMOKE_KINDS,
  pauseNotifier,
  failingReceiver,
  stoppedRedis,
  killedRedisClients,
  pausedRedis,
  pausedPostgres,
  cutEvaluatorDatabase,
  cutNotifierDatabase,
  cutEvaluatorRedis,
  cutNotifierRedis,
  cutEvaluatorBackend,
  hangingReceiver,
  slowReceiver,
  retryAfterReceiver,
  refusingBackend,
  slowBackend,
  garbledBackend,
  unauthorizedBackend,
  silentBackend,
  rollingRestart,
  slowDatabase,
  lockedRow,
  cutInCommit,
  cutInClaim,
  ...crashes,
  poisonAlarms,
  membershipChurn,
  blockedEvaluator,
  blockedNotifier,
  fewDescriptorsOfEvaluator,
  fewDescriptorsOfNotifier,
  backendDown,
];
