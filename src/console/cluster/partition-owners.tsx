import type { JSX } from 'preact';

import { countText } from '../elements/numbers.js';
import { Age } from '../elements/time.js';
import type { Schemas } from '../requests/client.js';

type ClusterPartition = Schemas['Cluster']['partitions'][number];

/** The partitions of one evaluator, or of none. */
interface OwnedPartitions {
  owner: string | null;
  ids: number[];
  late: number;
  oldestEvaluationAt: string | null;
}

/** The evaluators with their partitions; those partitions that have none come first. */
export function Owners({ cluster: { partitions, processes } }: { cluster: Schemas['Cluster'] }): JSX.Element {
  const hosts = new Map(processes.map(({ member_id, host, pid }) => [member_id, `${host} ${pid}`]));
  return (
    <div class="scroll">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Owner</th>
            <th scope="col">Number</th>
            <th scope="col">Partitions</th>
            <th scope="col">Late alarms</th>
            <th scope="col">Oldest evaluation</th>
          </tr>
        </thead>
        <tbody>
          {byOwner(partitions).map(({ owner, ids, late, oldestEvaluationAt }) => (
            <tr key={owner ?? ''}>
              <td class="main">
                {owner === null ? (
                  <strong class="outside">
                    <span aria-hidden="true">✕</span> none: not evaluated
                  </strong>
                ) : (
                  <span title={owner}>{hosts.get(owner) ?? `${owner} (no longer reports)`}</span>
                )}
              </td>
              <td data-name="Number" class="number">
                {ids.length}
              </td>
              <td data-name="Partitions" class="ranges">
                {rangesOf(ids)}
              </td>
              <td data-name="Late alarms" class="number">
                {late === 0 ? '0' : <strong class="outside">{countText(late)}</strong>}
              </td>
              <td data-name="Oldest evaluation">
                {oldestEvaluationAt === null ? (
                  'not evaluated yet'
                ) : (
                  <>
                    <Age at={oldestEvaluationAt} /> ago
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function byOwner(partitions: readonly ClusterPartition[]): OwnedPartitions[] {
  const found = new Map<string | null, OwnedPartitions>();
  for (const { partition, owner, late_alarms, last_evaluated_at: at } of partitions) {
    const owned = found.get(owner) ?? { owner, ids: [], late: 0, oldestEvaluationAt: null };
    found.set(owner, owned);
    owned.ids.push(partition);
    owned.late += late_alarms;
    if (at !== null && (owned.oldestEvaluationAt === null || at < owned.oldestEvaluationAt))
      owned.oldestEvaluationAt = at;
  }
  return [...found.values()].sort((a, b) => Number(a.owner !== null) - Number(b.owner !== null));
}

/** `0–3, 7, 9–12`, of ids that rise. */
function rangesOf(ids: readonly number[]): string {
  const ranges: { from: number; to: number }[] = [];
  for (const id of ids) {
    const last = ranges.at(-1);
    if (last?.to === id - 1) last.to = id;
    else ranges.push({ from: id, to: id });
  }
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from}–${to}`)).join(', ');
}
