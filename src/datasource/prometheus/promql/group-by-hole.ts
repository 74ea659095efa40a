import { holesOf, type Hole } from './merge.js';

export interface Grouped {
  hole: Hole | null;
  members: { key: string; promql: string; value: string | null }[];
}

export function groupByHole(queries: readonly { key: string; promql: string }[], maxMembers: number): Grouped[] {
  const groups = new Map<string, Grouped>();
  for (const query of queries) {
    const hole = holesOf(query.promql)[0] ?? null;
    const group = groups.get(hole?.template ?? query.key) ?? { hole, members: [] };
    groups.set(hole?.template ?? query.key, group);
    group.members.push({ ...query, value: hole?.value ?? null });
  }
  return [...groups.values()].flatMap(({ hole, members }) =>
    Array.from({ length: Math.ceil(members.length / maxMembers) }, (_, index) => ({
      hole,
      members: members.slice(index * maxMembers, (index + 1) * maxMembers),
    })),
  );
}
