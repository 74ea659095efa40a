import type { ReadinessCheck } from '../api/ports.js';
import type { CertificateState } from '../api/http/server-certificate.js';
import { atMost } from '../async/deadline.js';
import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Lateness } from '../evaluator/lateness/behind-watch.js';
import { secondsText } from '../evaluator/lateness/lateness-report.js';
import type { Redis } from '../redis.js';
import type { Supervisor } from '../supervisor.js';

/** The parts of a process whose state readiness reports. */
export interface ReadinessDeps {
  clock: Clock;
  pingDatabase: () => Promise<unknown>;
  supervisors: readonly Supervisor[];
  redis: Redis | undefined;
  /** True if there is no key for secrets. */
  unsealed?: boolean;
  /** True if `egress.allow_loopback_receivers` is set, which is for tests. */
  loopbackReceivers?: boolean;
  /** Certificates of the listeners of this process. */
  certificates?: readonly CertificateState[];
  /** Backends as the evaluator of this process sees them; undefined without that role. */
  backends?: BackendsSeen | undefined;
  /** Delay of the evaluator of this process; undefined without that role. */
  lateness?: Lateness | undefined;
  /** State of the evaluator of this process; undefined without that role. */
  evaluation: (() => EvaluationSeen) | undefined;
}

/** State of an evaluator. */
export interface EvaluationSeen {
  members: number;
  /** Partitions that it owns. */
  partitions: number;
  /** Those of them whose alarms are not all loaded yet. */
  unloaded: number;
  mode: string;
  isProgressing: boolean;
}

/** Backends as an evaluator sees them. */
export interface BackendsSeen {
  /** Number of alarms of this evaluator that wait for a backend that is not configured, by kind of backend. */
  withoutBackend: ReadonlyMap<string, number>;
  failing: readonly { backend: string; since: Date; reason: string }[];
}

const DATABASE_TIMEOUT_MS = 2_000;

/**
 * The readiness checks of this process. Without Redis the process works more slowly, so that check stays ok. An
 * evaluator without partitions is ready: it has none right after it joined, or if there are enough others.
 */
export async function readiness(deps: ReadinessDeps): Promise<ReadinessCheck[]> {
  const checks = [await check('database', () => answersInTime(deps.clock, deps.pingDatabase()))];
  for (const { name, state, error } of deps.supervisors.flatMap((supervisor) => supervisor.health())) {
    checks.push({ name: `loop:${name}`, ok: state === 'running', ...(error === undefined ? {} : { detail: error }) });
  }
  const { redis, evaluation } = deps;
  if (redis)
    checks.push({
      name: 'redis',
      ok: true,
      detail: redis.status === 'ready' ? 'connected' : 'unavailable: coordination is slower, no data is lost',
    });
  if (evaluation) {
    const { members, partitions, unloaded, mode, isProgressing } = evaluation();
    checks.push({
      name: 'evaluation',
      ok: isProgressing,
      ...(isProgressing ? {} : { detail: 'a batch or a load of alarms is stuck' }),
    });
    const ok = members > 0;
    checks.push({
      name: 'coordination',
      ok,
      detail: `${mode}: ${partitions} partitions held${loadingText(unloaded)}, ${members} evaluators seen`,
    });
  }
  if (deps.unsealed)
    checks.push({
      name: 'secrets',
      ok: true,
      detail: 'passwords and tokens in action URLs are stored unencrypted: secrets.key is not set',
    });
  if (deps.loopbackReceivers)
    checks.push({
      name: 'egress',
      ok: true,
      detail: 'receivers on loopback are called: egress.allow_loopback_receivers',
    });
  checks.push(...certificateChecks(deps.certificates));
  const details = deps.backends ? backendTexts(deps.backends) : [];
  if (deps.lateness) checks.push({ name: 'behind', ok: true, detail: latenessText(deps.lateness) });
  if (details.length > 0) checks.push({ name: 'backends', ok: true, detail: details.join('; ') });
  return checks;
}

/** Partitions that are not loaded do not make the process unready: a restart would begin their load again. */
function loadingText(unloaded: number): string {
  return unloaded === 0 ? '' : ` (${unloaded} of them not loaded yet: their alarms are not evaluated)`;
}

/** Backends that fail or are not configured do not make the process unready, since a restart would not help. */
function backendTexts({ withoutBackend, failing }: BackendsSeen): string[] {
  const degraded = failing.map(
    ({ backend, since, reason }) => `degraded: ${backend} is unavailable since ${since.toISOString()} (${reason})`,
  );
  return withoutBackend.size > 0 ? [...degraded, waitingText(withoutBackend)] : degraded;
}

function waitingText(withoutBackend: ReadonlyMap<string, number>): string {
  const kinds = [...withoutBackend].sort(([a, alarmsA], [b, alarmsB]) => alarmsB - alarmsA || a.localeCompare(b));
  const total = kinds.reduce((sum, [, alarms]) => sum + alarms, 0);
  const subject = total === 1 ? '1 alarm on this evaluator waits' : `${total} alarms on this evaluator wait`;
  const list = kinds.map(([kind, alarms]) => `${alarms} ${kind}`).join(', ');
  return `${subject} for a backend that is not configured: ${list}`;
}

/** Unusable files do not make the process unready: it works with its old certificate, and could not be restarted. */
function certificateChecks(certificates: readonly CertificateState[] = []): ReadinessCheck[] {
  return certificates.map(({ setting, validTo, problem }) => {
    const text = `the certificate ends at ${validTo.toISOString()}`;
    const detail = problem === undefined ? text : `${text}; the new files cannot be used: see the log`;
    return { name: setting, ok: true, detail };
  });
}

/** Lateness does not make the process unready, since the alarms would still be late after a restart. */
function latenessText({ alarms, longestMs, backends }: Lateness): string {
  if (alarms === 0) return 'no alarm is evaluated late';
  const subject = alarms === 1 ? '1 alarm waits' : `${alarms} alarms wait`;
  return `Tocsin is behind: ${secondsText(longestMs)} (${subject} for ${backends.join(', ')})`;
}

async function check(name: string, probe: () => Promise<unknown>): Promise<ReadinessCheck> {
  try {
    await probe();
    return { name, ok: true };
  } catch (thrown) {
    return { name, ok: false, detail: toError(thrown).message };
  }
}

async function answersInTime(clock: Clock, ping: Promise<unknown>): Promise<void> {
  const answered = ping.then(() => true);
  const hasAnswered = await atMost(clock, DATABASE_TIMEOUT_MS, answered);
  if (!hasAnswered) throw new Error(`no answer within ${DATABASE_TIMEOUT_MS} ms`);
}
