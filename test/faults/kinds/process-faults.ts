import type { Role } from '../../../dev/cluster/service-process.js';
import { epochsOf, numberFrom, pickOne, takeOverSince, type ActiveFault, type FaultKind } from '../fault-kind.js';
import { CONCURRENCY, TIMINGS } from '../timings.js';

export const killEvaluator: FaultKind = {
  id: 'F01',
  name: 'kill-evaluator',
  lastsMs: [3_000, 9_000],
  async inject({ cluster, db, random }) {
    const member = pickOne(random, cluster.of('evaluator'));
    const before = await epochsOf(db);
    await member.kill();
    return {
      detail: member.name,
      heal: () => member.start(),
      evidence: () => takeOverSince(db, before),
    };
  },
};

export const killNotifier: FaultKind = {
  id: 'F02',
  name: 'kill-notifier',
  lastsMs: [1_000, 8_000],
  async inject({ cluster, db, random }) {
    const member = pickOne(random, cluster.of('notifier'));
    const inFlight = await numberFrom(db, `select count(*)::int as n from notifications where status = 'in_flight'`);
    const outcome = await member.kill();
    return {
      detail: `${member.name}, while ${inFlight} attempts of all notifiers were in flight`,
      mayRepeat: CONCURRENCY,
      heal: () => member.start(),
      evidence: async () => (outcome === 'SIGKILL' ? 'it ended by SIGKILL' : undefined),
    };
  },
};

export const killApi: FaultKind = {
  id: 'F04',
  name: 'kill-api',
  lastsMs: [500, 2_000],
  async inject({ cluster, workload, random }) {
    const member = pickOne(random, cluster.of('api'));
    const before = workload.failed;
    await member.kill();
    return {
      detail: member.name,
      heal: () => member.start(),
      evidence: async () =>
        workload.failed > before ? `${workload.failed - before} requests had no answer` : undefined,
    };
  },
};

export const pauseEvaluator: FaultKind = {
  id: 'F05',
  name: 'pause-evaluator',
  lastsMs: [TIMINGS.leaseMs + 1_000, 3 * TIMINGS.leaseMs],
  async inject({ cluster, db, random }) {
    const member = pickOne(random, cluster.of('evaluator'));
    const before = await epochsOf(db);
    member.pause();
    return {
      detail: member.name,
      heal: async () => member.resume(),
      evidence: () => takeOverSince(db, before),
    };
  },
};

export const pauseNotifier: FaultKind = {
  id: 'F06',
  name: 'pause-notifier',
  lastsMs: [TIMINGS.claimMs + 1_000, TIMINGS.claimMs + 6_000],
  async inject({ cluster, receivers, random }) {
    const member = pickOne(random, cluster.of('notifier'));
    const before = receivers.calls.length;
    member.pause();
    return {
      detail: member.name,
      mayRepeat: CONCURRENCY,
      heal: async () => member.resume(),
      evidence: async () => {
        const calls = receivers.calls.length - before;
        return calls > 0 ? `${calls} deliveries meanwhile were made by the other` : undefined;
      },
    };
  },
};

export const rollingRestart: FaultKind = {
  id: 'F30',
  name: 'rolling-restart',
  lastsMs: [0, 0],
  async inject({ cluster }): Promise<ActiveFault> {
    const outcomes: string[] = [];
    for (const role of ['api', 'evaluator', 'notifier'] satisfies Role[]) {
      for (const member of cluster.of(role)) {
        const { exitCode, tookMs } = await member.stop();
        outcomes.push(`${member.name}: ${exitCode} after ${tookMs} ms`);
        await member.start();
      }
    }
    return {
      detail: `${outcomes.length} processes, one after the other`,
      heal: async () => undefined,
      evidence: async () => outcomes.join(', '),
    };
  },
};
