import { numberFrom, pickOne, type FaultKind } from '../fault-kind.js';

const EVERY_MS = 3_000;
/** By how much the share of a member may differ from the mean. */
const TOLERANCE = 0.25;

const LARGEST_DIFFERENCE = `
  select max(abs(share.n * (select count(distinct owner) from partitions) / 256.0 - 1))::float8 as n
    from (select count(*) as n from partitions group by owner) share`;
const OWNERS = 'select count(distinct owner)::int as n from partitions where owner is not null';

/** Evaluators that die, leave and come back, one after the other. */
export const membershipChurn: FaultKind = {
  id: 'F29',
  name: 'membership-churn',
  lastsMs: [15_000, 30_000],
  async inject({ cluster, db, random, sleep }) {
    const stop = new AbortController();
    const changesMs: number[] = [];
    const loop = (async () => {
      while (!stop.signal.aborted) {
        const member = pickOne(random, cluster.of('evaluator'));
        changesMs.push(Date.now());
        await (random.next(1) < 0.5 ? member.kill() : member.stop());
        await sleep(EVERY_MS);
        await member.start();
        changesMs.push(Date.now());
        await sleep(EVERY_MS);
      }
    })();
    return {
      detail: `an evaluator leaves every ${(2 * EVERY_MS) / 1_000} s`,
      changesMs,
      heal: async () => {
        stop.abort();
        await loop;
      },
      evidence: async () => {
        const owners = await numberFrom(db, OWNERS);
        const difference = await numberFrom(db, LARGEST_DIFFERENCE);
        if (owners !== cluster.of('evaluator').length || difference > TOLERANCE) return undefined;
        return `${changesMs.length} changes; ${owners} evaluators own shares within ${TOLERANCE * 100} %`;
      },
    };
  },
};
