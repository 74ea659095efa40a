export interface Hole {
  label: string;
  value: string;
  template: string;
}

/** Stand-in: the first label of one plain selector. */
export function holesOf(promql: string): Hole[] {
  const selector = /^([a-z_]+)\{([a-z]+)="([a-z0-9-]+)"(.*)\}$/.exec(promql);
  if (!selector) return [];
  const [, name, label, value, rest] = selector as unknown as [string, string, string, string, string];
  return [{ label, value, template: `${name}{${label}=?${rest}}` }];
}

export function mergedPromql(hole: Hole, values: readonly string[]): string {
  return hole.template.replace('?', `~${JSON.stringify(values.join('|'))}`);
}

