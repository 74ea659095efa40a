import { metricOf, pickOne, type FaultContext, type FaultKind } from '../fault-kind.js';
import { squareWaves } from '../oracle.js';
import { FIRST_WRITTEN } from '../workload.js';

const LASTS_MS = 12_000;
/** The alarm's wave changes in this time, so that its transition must wait and others follow. */
const CHANGES_WITHIN_MS = 4_000;
const POLL_MS = 500;
const LOCK = 'select id from alarms where name = $1 and deleted_at is null for update';

/** As a client that was cut off in the middle of an edit, or a person with psql. */
export const lockedRow: FaultKind = {
  id: 'F31',
  name: 'row-locked',
  isOutage: true, // of that alarm
  lastsMs: [LASTS_MS, LASTS_MS],
  async inject(context) {
    const { db, sleep } = context;
    const number = changingNumber(context);
    const stop = new AbortController();
    let locked = 0;
    const held = db.transaction(async (tx) => {
      locked = (await tx.query(LOCK, [`wave ${number}`])).rows.length;
      while (!stop.signal.aborted) {
        await tx.query('select 1'); // else the transaction would count as idle
        await sleep(POLL_MS);
      }
    });
    const watching = watchLockedAlarms(context, stop.signal);
    return {
      detail: `the row of the alarm on wave ${number}`,
      onlyAlarm: number,
      heal: async () => {
        stop.abort();
        await held;
      },
      evidence: async () => (locked === 1 && (await watching) ? 'an evaluator reported a locked alarm' : undefined),
    };
  },
};

/** The number of an alarm whose wave changes soon. */
function changingNumber({ workload, random }: FaultContext): number {
  const nowMs = Date.now();
  const watched = [...workload.numbers].filter((number) => number < FIRST_WRITTEN);
  const changing = watched.filter((number) => squareWaves.edges(number, nowMs, nowMs + CHANGES_WITHIN_MS).length > 0);
  return pickOne(random, changing.length > 0 ? changing : watched);
}

/** Resolves to true if an evaluator has reported an alarm whose result waits for a lock. */
async function watchLockedAlarms({ cluster, sleep }: FaultContext, stop: AbortSignal): Promise<boolean> {
  let isSeen = false;
  while (!stop.aborted && !isSeen) {
    for (const member of cluster.of('evaluator'))
      isSeen ||= ((await metricOf(member, 'tocsin_alarms_locked')) ?? 0) > 0;
    await sleep(POLL_MS);
  }
  return isSeen;
}
