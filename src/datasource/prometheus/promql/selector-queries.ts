import { parsePromql } from './parse.js';
import { selectorsOf } from './selectors.js';

/**
 * The queries for the series that a query reads: for each of its selectors one query, counting over its range if it has
 * one.
 */
export function selectorQueriesOf(promql: string): string[] {
  const query = parsePromql(promql);
  if ('problem' in query) return [promql];
  const readings = selectorsOf(query).map(({ node }) => {
    const { parent } = node;
    if (parent?.name !== 'MatrixSelector') return promql.slice(node.from, node.to);
    return `count_over_time(${promql.slice(parent.from, parent.to)})`;
  });
  return [...new Set(readings)];
}
