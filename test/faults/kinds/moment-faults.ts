import type { Role } from '../../../dev/cluster/service-process.js';
import type { Member } from '../cluster-member.js';
import { pickOne, type FaultContext, type FaultKind } from '../fault-kind.js';
import type { ProxyMoment } from '../proxy.js';
import { CONCURRENCY } from '../timings.js';

/** Time in which a process must have come to the moment. */
const REACHED_MS = 20_000;
const POLL_MS = 20;

const COMPARE_AND_SET = 'update alarms a set state = free.state';
const TAKE = 'from take_notifications(';
const RECORD = 'insert into attempts (';
const COMMIT = 'commit';

/** Processes that are killed in the middle of their work, each at one moment of it. */
export const crashes: readonly FaultKind[] = [
  crashAt('crash-after-transitions-before-commit', 'evaluator', answered(COMPARE_AND_SET)),
  crashAt('crash-after-commit-before-doorbell', 'evaluator', answered(COMPARE_AND_SET, COMMIT)),
  crashAt('crash-after-claim-before-send', 'notifier', answered(TAKE)),
  crashAt('crash-after-send-before-record', 'notifier', { statements: [RECORD], when: 'asking' }),
  crashAt('crash-after-record', 'notifier', answered(RECORD)),
  crashAt('crash-after-create-before-answer', 'api', answered('insert into alarms (', COMMIT)),
];

/** Processes that are cut off in the middle of their work, so that the database still waits for them. */
export const cutInCommit = cutAt('cut-evaluator-in-commit', 'evaluator', answered(COMPARE_AND_SET));
export const cutInClaim = cutAt('cut-notifier-in-claim', 'notifier', { statements: [TAKE], when: 'asked' });

function answered(...statements: string[]): ProxyMoment {
  return { statements, when: 'answered' };
}

function crashAt(name: string, role: Role, moment: ProxyMoment): FaultKind {
  return {
    id: 'F03',
    name,
    lastsMs: [1_000, 4_000],
    async inject(context) {
      const member = pickOne(context.random, context.cluster.of(role));
      let ended: Promise<string> | undefined;
      const fromMs = await untilMoment(context, member, { moment, act: () => void (ended = member.kill()) });
      return {
        fromMs,
        detail: member.name,
        mayRepeat: role === 'notifier' ? CONCURRENCY : 0,
        heal: async () => {
          if ((await ended) !== undefined) await member.start();
        },
        evidence: async () => ((await ended) === 'SIGKILL' ? 'it ended by SIGKILL at that moment' : undefined),
      };
    },
  };
}

function cutAt(name: string, role: Role, moment: ProxyMoment): FaultKind {
  return {
    id: 'F13',
    name,
    lastsMs: [8_000, 15_000],
    async inject(context) {
      const member = pickOne(context.random, context.cluster.of(role));
      const link = member.links.database;
      const before = link.swallowed;
      const fromMs = await untilMoment(context, member, {
        moment,
        act: () => link.set({ kind: 'blackhole', direction: 'both' }),
      });
      return {
        fromMs,
        detail: member.name,
        mayRepeat: role === 'notifier' ? CONCURRENCY : 0,
        heal: async () => link.set({ kind: 'pass' }),
        evidence: async () =>
          link.swallowed > before ? `${link.swallowed - before} bytes were lost from that moment on` : undefined,
      };
    },
  };
}

/** Waits until the process comes to the moment, and `act` was called; gives up after a time. Resolves to the time. */
async function untilMoment(
  { sleep, stop }: FaultContext,
  { links }: Member,
  { moment, act }: { moment: ProxyMoment; act: () => void },
): Promise<number> {
  const waiting = new AbortController();
  const giveUp = links.database.once(moment, () => {
    waiting.abort();
    act();
  });
  const over = AbortSignal.any([waiting.signal, stop]);
  for (let waitedMs = 0; waitedMs < REACHED_MS && !over.aborted; waitedMs += POLL_MS) await sleep(POLL_MS);
  giveUp();
  return Date.now();
}
