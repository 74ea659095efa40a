/** Stand-in: understands nothing but one plain selector. */
export function withEnforcedLabel(promql: string, label: string, value: string): { promql: string } | { problem: string } {
  const selector = /^([a-z_]+)\{(.*)\}$/.exec(promql);
  if (!selector) return { problem: 'the query cannot be understood' };
  return { promql: `${selector[1]}{${selector[2]},${label}=${JSON.stringify(value)}}` };
}
