import type { FaultKind } from '../fault-kind.js';
import { numberFrom } from '../fault-kind.js';

/** As a client that was cut off in the middle of an edit, or a person with psql. */
export const lockedRow: FaultKind = {
  id: 'F31',
  name: 'row-locked',
  lastsMs: [12_000, 12_000],
  async inject({ db, sleep }) {
    const stop = new AbortController();
    let waited = 0;
    const held = db.transaction(async (tx) => {
      await tx.query(`select id from alarms where deleted_at is null order by id limit 1 for update`);
      while (!stop.signal.aborted) {
        await tx.query('select 1'); // else the transaction would count as idle
        const waiting = `select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'`;
        waited = Math.max(waited, await numberFrom(db, waiting));
        await sleep(500);
      }
    });
    return {
      detail: 'the row of one alarm',
      heal: async () => {
        stop.abort();
        await held;
      },
      evidence: async () => (waited > 0 ? `up to ${waited} transactions waited` : undefined),
    };
  },
};
