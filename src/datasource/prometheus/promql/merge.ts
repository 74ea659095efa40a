export interface Hole {
  label: string;
  value: string;
  template: string;
}

export interface Grouped {
  hole: Hole | null;
  members: { key: string; promql: string; value: string | null }[];
}

/** Stand-in: the first label of one plain selector. */
export function holesOf(promql: string): Hole[] {
  const selector = /^([a-z_]+)\{([a-z]+)="([a-z0-9-]+)"(.*)\}$/.exec(promql);
  if (!selector) return [];
  const [, name, label, value, rest] = selector as unknown as [string, string, string, string, string];
  return [{ label, value, template: `${name}{${label}=?${rest}}` }];
}

export function mergedPromql(_promql: string, hole: Hole, values: readonly string[]): string {
  return hole.template.replace('?', `~${JSON.stringify(values.join('|'))}`);
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
