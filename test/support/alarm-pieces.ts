import type {
  AlarmPiece,
  ChangedPartitions,
  LoadedAlarm,
  ReadPosition,
} from '../../src/storage/evaluation/evaluation-store.js';

/** All alarms of these stores have this revision. */
const REVISION = '1';

/** The next piece of alarms in memory, as `loadPiece` of the store reads it. */
export function pieceAt(
  alarmsOf: (partition: number) => readonly LoadedAlarm[],
  positions: readonly ReadPosition[],
  rows: number,
): AlarmPiece {
  const alarms = positions
    .flatMap(({ partition, after }) =>
      alarmsOf(partition)
        .filter(({ id }) => id > after.id)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map((alarm) => ({ ...alarm, readFor: partition, revision: REVISION })),
    )
    .slice(0, rows);
  return { alarms, seen: REVISION, until: '2' };
}

/** No changes, as `changedSince` of the store finds them when nothing has changed. */
export async function nothingChanged(): Promise<ChangedPartitions> {
  return { seen: REVISION, changed: new Set() };
}

/** A piece without alarms, as `changesPiece` of the store reads it when nothing has changed. */
export async function noChanges(): Promise<AlarmPiece> {
  return { alarms: [], seen: REVISION, until: '2' };
}
