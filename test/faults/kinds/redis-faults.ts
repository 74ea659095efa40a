import { metricOf, type FaultContext, type FaultKind } from '../fault-kind.js';

const LOOP_MS = 200;

export const emptyRedis: FaultKind = {
  id: 'F07',
  name: 'redis-restarts-empty',
  lastsMs: [500, 1_000],
  async inject({ cluster, redis }) {
    const [before, keys] = [await runId(redis), await redis.dbsize()];
    process.kill(cluster.redis.pid, 'SIGKILL');
    return {
      detail: `killed with ${keys} keys`,
      heal: () => cluster.redis.startAgain(),
      evidence: async () => {
        const now = await runId(redis).catch(() => before);
        return now === before || keys === 0 ? undefined : `another Redis runs, and ${keys} keys were lost`;
      },
    };
  },
};

export const flushRedis: FaultKind = {
  id: 'F08',
  name: 'redis-flushall',
  lastsMs: [0, 0],
  async inject({ redis }) {
    const keys = await redis.dbsize();
    await redis.flushall();
    return {
      detail: `${keys} keys`,
      heal: async () => undefined,
      evidence: async () => (keys > 0 ? `${keys} keys were lost` : undefined),
    };
  },
};

export const stoppedRedis: FaultKind = {
  id: 'F09',
  name: 'redis-stopped',
  lastsMs: [10_000, 20_000],
  async inject(context) {
    const { cluster } = context;
    process.kill(cluster.redis.pid, 'SIGKILL');
    let isSeen = false;
    const watching = watchMode(context, () => (isSeen = true));
    return {
      detail: 'killed',
      heal: async () => {
        await watching.stop();
        await cluster.redis.startAgain();
      },
      evidence: async () => (isSeen ? 'an evaluator reported the mode database' : undefined),
    };
  },
};

export const killedRedisClients: FaultKind = {
  id: 'F10',
  name: 'redis-client-kill',
  lastsMs: [3_000, 8_000],
  async inject({ redis, sleep }) {
    let killed = 0;
    const stop = new AbortController();
    const loop = (async () => {
      while (!stop.signal.aborted) {
        killed += Number(await redis.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes').catch(() => 0));
        await sleep(LOOP_MS);
      }
    })();
    return {
      detail: `every ${LOOP_MS} ms`,
      heal: async () => {
        stop.abort();
        await loop;
      },
      evidence: async () => (killed > 0 ? `${killed} connections were ended` : undefined),
    };
  },
};

export const pausedRedis: FaultKind = {
  id: 'F10',
  name: 'redis-hangs',
  lastsMs: [5_000, 15_000],
  async inject({ cluster, redis }) {
    process.kill(cluster.redis.pid, 'SIGSTOP');
    const answered = redis.ping().then(
      () => true,
      () => false,
    );
    return {
      detail: 'stopped from running',
      heal: async () => void process.kill(cluster.redis.pid, 'SIGCONT'),
      evidence: async () => ((await answered) ? undefined : 'a ping had no answer in time'),
    };
  },
};

async function runId(redis: FaultContext['redis']): Promise<string> {
  return /run_id:(\S+)/.exec(await redis.info('server'))?.[1] ?? '';
}

/** Looks for an evaluator that works without Redis. */
function watchMode({ cluster, sleep }: FaultContext, seen: () => void): { stop(): Promise<void> } {
  const stop = new AbortController();
  const loop = (async () => {
    while (!stop.signal.aborted) {
      for (const member of cluster.of('evaluator'))
        if ((await metricOf(member, 'tocsin_coordination_mode{mode="database"}')) === 1) seen();
      await sleep(LOOP_MS);
    }
  })();
  return {
    stop: async () => {
      stop.abort();
      await loop;
    },
  };
}
