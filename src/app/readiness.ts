import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Lateness } from '../evaluator/lateness/behind-watch.js';
import { secondsText } from '../evaluator/lateness/lateness-report.js';
import type { Redis } from '../redis.js';
import type { Supervisor } from '../supervisor.js';

export interface ReadinessCheck {
  name: string;
  ok: boolean;
  detail?: string;
}

export interface ReadinessDeps {
  clock: Clock;
  pingDatabase: () => Promise<unknown>;
  supervisors: readonly Supervisor[];
  redis: Redis | undefined;
  /** The backends as this process' evaluator sees them; undefined without that role. */
  backends?: BackendsSeen | undefined;
  /** How late the evaluator of this process is; undefined without that role. */
  lateness?: Lateness | undefined;
  /** This process' part in the evaluation; undefined without that role. */
  evaluation: (() => { members: number; partitions: number; mode: string; isProgressing: boolean }) | undefined;
}

export interface BackendsSeen {
  /** Alarms held here that wait for a backend that is not configured, by kind. */
  withoutBackend: ReadonlyMap<string, number>;
  failing: readonly { backend: string; since: Date; reason: string }[];
}

const PATIENCE_MS = 2_000;

/**
 * What can be wrong with this process, by name. Losing Redis is a mode and no failure: the check says so and stays ok.
 * An evaluator without partitions is ready too: with more members than it takes, or right after joining, it has none.
 */
export async function readiness(deps: ReadinessDeps): Promise<ReadinessCheck[]> {
  const checks = [await check('database', () => withinPatience(deps.clock, deps.pingDatabase()))];
  for (const { name, state, error } of deps.supervisors.flatMap((supervisor) => supervisor.health())) {
    checks.push({ name: `loop:${name}`, ok: state === 'running', ...(error === undefined ? {} : { detail: error }) });
  }
  const { redis, evaluation } = deps;
  if (redis)
    checks.push({
      name: 'redis',
      ok: true,
      detail: redis.status === 'ready' ? 'connected' : 'not reachable: slower, nothing is lost',
    });
  if (evaluation) {
    const { members, partitions, mode, isProgressing } = evaluation();
    checks.push({
      name: 'evaluation',
      ok: isProgressing,
      ...(isProgressing ? {} : { detail: 'a batch is far past its deadline' }),
    });
    const ok = members > 0;
    checks.push({
      name: 'coordination',
      ok,
      detail: `${mode}: ${partitions} partitions held, ${members} evaluators seen`,
    });
  }
  const details = deps.backends ? backendTexts(deps.backends) : [];
  if (deps.lateness) checks.push({ name: 'behind', ok: true, detail: latenessText(deps.lateness) });
  if (details.length > 0) checks.push({ name: 'backends', ok: true, detail: details.join('; ') });
  return checks;
}

/**
 * Neither is a failure of this process: a restart would not help, and a service without every backend is a way to run
 * it.
 */
function backendTexts({ withoutBackend, failing }: BackendsSeen): string[] {
  const degraded = failing.map(
    ({ backend, since, reason }) => `degraded: ${backend} cannot be asked since ${since.toISOString()} (${reason})`,
  );
  return withoutBackend.size > 0 ? [...degraded, waitingText(withoutBackend)] : degraded;
}

function waitingText(withoutBackend: ReadonlyMap<string, number>): string {
  const kinds = [...withoutBackend].sort(([a, some], [b, others]) => others - some || a.localeCompare(b));
  const total = kinds.reduce((sum, [, alarms]) => sum + alarms, 0);
  const subject = total === 1 ? '1 alarm on this evaluator waits' : `${total} alarms on this evaluator wait`;
  return `${subject} for a backend that is not configured: ${kinds.map(([kind, alarms]) => `${alarms} ${kind}`).join(', ')}`;
}

/** Always ok: after a restart the alarms would still be late. */
function latenessText({ alarms, longestMs, backends }: Lateness): string {
  if (alarms === 0) return 'no alarm is evaluated late';
  const subject = alarms === 1 ? '1 alarm waits' : `${alarms} alarms wait`;
  return `Tocsin is behind: ${secondsText(longestMs)} (${subject} for ${backends.join(', ')})`;
}

async function check(name: string, ask: () => Promise<unknown>): Promise<ReadinessCheck> {
  try {
    await ask();
    return { name, ok: true };
  } catch (thrown) {
    return { name, ok: false, detail: toError(thrown).message };
  }
}

async function withinPatience<T>(clock: Clock, answer: Promise<T>): Promise<T> {
  const answered = new AbortController();
  const late = clock.sleep(PATIENCE_MS, answered.signal).then((): never => {
    throw new Error(`no answer within ${PATIENCE_MS} ms`);
  });
  late.catch(() => undefined); // it loses the race whenever the answer comes first
  try {
    return await Promise.race([answer, late]);
  } finally {
    answered.abort();
  }
}
