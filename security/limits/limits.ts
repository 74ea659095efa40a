import path from 'node:path';

import { ensureDebianPackages, POSTGRESQL, REDIS } from '../../dev/servers/debian-packages.js';
import { freePort } from '../../dev/servers/local-process.js';
import { startPostgres } from '../../dev/servers/postgres.js';
import { startRedis, type LocalServer } from '../../dev/servers/redis.js';
import type { Finding } from '../finding.js';
import { makeScratchFolder } from '../scratch-folder.js';
import { createKey, startService, type Service } from '../service.js';

const PROCESSES = 2;
const REQUESTS_PER_SECOND = 20;
/** The rate is an average over two seconds. */
const WINDOW_S = 2;
const REPLAYS_PER_MINUTE = 10;
const FAILURES_PER_MINUTE = 10;
const BURST = 300;
const AT_ONCE = 10;
const MINUTE_S = 60;

/** The answers to a burst of requests. */
interface Burst {
  statuses: number[];
  /** Refusals without a number of seconds in `Retry-After`. */
  withoutWait: number;
  seconds: number;
}

interface Installation {
  services: readonly Service[];
  redis: LocalServer;
  keyOf(project: string): string;
}

/**
 * Exceeds each rate at two API processes that share a PostgreSQL and a Redis, then without the Redis.
 * @returns a text instead if this machine has no such servers.
 */
export async function tryLimits(): Promise<Finding[] | string> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const { folder, remove } = makeScratchFolder();
  const close: (() => Promise<void>)[] = [];
  try {
    await ensureDebianPackages([POSTGRESQL, REDIS], { neededBy: 'the limits', say, environment: process.env });
    const postgres = await startPostgres({ dir: path.join(folder, 'postgres'), durable: false });
    close.push(() => postgres.stop());
    const redis = await startRedis({ dir: path.join(folder, 'redis') });
    close.push(() => redis.stop());
    const settings = {
      AUTH_MODE: 'apikey',
      ROLES: 'api',
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      LIMITS_REQUESTS_PER_SECOND: String(REQUESTS_PER_SECOND),
      LIMITS_REPLAYS_PER_MINUTE: String(REPLAYS_PER_MINUTE),
      AUTH_FAILURES_PER_MINUTE: String(FAILURES_PER_MINUTE),
    };
    const services: Service[] = [];
    while (services.length < PROCESSES) {
      const service = await startService({ settings, port: await freePort() });
      services.push(service);
      close.push(() => service.stop());
    }
    const keyOf = (project: string): string => createKey(settings, { project, role: 'member' });
    return await exceed({ services, redis, keyOf });
  } finally {
    for (const step of close.reverse()) await step();
    remove();
  }
}

async function exceed({ services, redis, keyOf }: Installation): Promise<Finding[]> {
  const [greedy, alsoGreedy, modest] = [keyOf('greedy'), keyOf('greedy'), keyOf('modest')];
  const [burst, others] = await Promise.all([
    requests(services, [greedy, alsoGreedy], BURST),
    requests(services, [modest], REQUESTS_PER_SECOND),
  ]);
  const failures = await requests(services, ['ak_aaaaaaaaaaaa_wrong'], BURST / AT_ONCE);
  const right = await requests(services, [modest], AT_ONCE);
  const replays = await requests(services, [modest], BURST / AT_ONCE, {
    method: 'POST',
    target: '/v1/notifications/replay?status=dead',
  });
  await redis.stop();
  const alone = await requests(services, [greedy, alsoGreedy], BURST);
  return [
    isLimited('requests of a project, by all its keys and at all processes together', burst, mostIn(burst, 1)),
    isNever('a project within its rate is refused while another exceeds its own', others, (status) => status !== 200),
    isLimited('failed authentications of an address, at all processes', failures, FAILURES_PER_MINUTE, 401),
    isNever('the right key of an address with failures is refused', right, (status) => status !== 200),
    isLimited('replays of a project, at all processes', replays, REPLAYS_PER_MINUTE * minutesOf(replays), 202),
    isLimited('requests of a project at each process, without Redis', alone, mostIn(alone, PROCESSES)),
  ];
}

/** Sends requests to the processes in turn, with the keys in turn. */
async function requests(
  services: readonly Service[],
  keys: readonly string[],
  count: number,
  { method, target } = { method: 'GET', target: '/v2/alarms?limit=1' },
): Promise<Burst> {
  const startedAt = performance.now();
  const statuses: number[] = [];
  let withoutWait = 0;
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const response = await fetch(`${services[index % services.length]?.url}${target}`, {
        method,
        headers: { authorization: `Bearer ${keys[index % keys.length]}`, 'x-user-id': `user ${index}` },
      });
      await response.arrayBuffer();
      statuses.push(response.status);
      if (response.status === 429 && !/^[1-9]\d*$/.test(response.headers.get('retry-after') ?? '')) withoutWait += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return { statuses, withoutWait, seconds: (performance.now() - startedAt) / 1_000 };
}

/** The most requests that may pass in the time of a burst, which may touch one window more than it is long. */
function mostIn({ seconds }: Burst, processes: number): number {
  return processes * REQUESTS_PER_SECOND * WINDOW_S * (Math.ceil(seconds / WINDOW_S) + 1);
}

function minutesOf({ seconds }: Burst): number {
  return Math.ceil(seconds / MINUTE_S);
}

function isLimited(subject: string, { statuses, withoutWait }: Burst, most: number, passing = 200): Finding {
  const passed = statuses.filter((status) => status === passing).length;
  const faults: string[] = [];
  if (passed > most) faults.push(`${passed} of ${statuses.length} passed, at most ${most} may`);
  if (passed === 0) faults.push('none passed');
  if (!statuses.includes(429)) faults.push('none was answered 429');
  if (withoutWait > 0) faults.push(`${withoutWait} refusals have no valid Retry-After`);
  const others = statuses.filter((status) => status !== passing && status !== 429);
  if (others.length > 0) faults.push(`answered ${[...new Set(others)].join(', ')}, too`);
  return { claim: `the limit holds for ${subject}`, tried: statuses.length, faults };
}

function isNever(subject: string, { statuses }: Burst, isFault: (status: number) => boolean): Finding {
  const faults = statuses.filter(isFault).map((status) => `answered ${status}`);
  return { claim: `never: ${subject}`, tried: statuses.length, faults };
}
