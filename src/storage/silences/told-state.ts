import type { AlarmState } from '../../alarm/state.js';
import type { Sql } from '../database.js';
import type { AppliedChange } from '../evaluation/outcome-rows.js';

const WRITE = `
  update alarms a set told_state = i.told_state
    from unnest($1::text[], $2::text[]) as i (id, told_state) where a.id = i.id`;

/**
 * Keeps the state that receivers know of alarms whose transition is silenced, and forgets it for those whose transition
 * is sent. Call it with the alarms locked, in the transaction of the transitions, at most one of each alarm.
 */
export async function writeToldStates(
  tx: Sql,
  changed: readonly AppliedChange[],
  silencedBy: ReadonlyMap<string, unknown>,
): Promise<void> {
  const written = changed
    .map((one) => ({ ...one, told: toldStateAfter(one, silencedBy.has(one.row.id)) }))
    .filter(({ row, told }) => told !== row.told_state);
  if (written.length === 0) return;
  await tx.query(WRITE, [written.map(({ row }) => row.id), written.map(({ told }) => told)]);
}

/** Null if the receivers know the new state: because it is sent, or because the alarm has returned to it. */
function toldStateAfter({ outcome: { from, to }, row }: AppliedChange, isSilenced: boolean): AlarmState | null {
  if (!isSilenced) return null;
  const told = row.told_state ?? from;
  return told === to ? null : told;
}
