import { firstCharacters } from '../../alarm/wire/first-characters.js';
import type { SeriesLabels } from '../../alarm/series.js';

const MOST_CHARACTERS = 120;
/** Label names that PromQL takes without quotes. */
const PLAIN = /^[A-Za-z_]\w*$/;

/**
 * Makes short names for series, in PromQL's form: the labels in which the series differ, or all labels if they differ
 * in none.
 */
export function seriesName(all: readonly SeriesLabels[]): (labels: SeriesLabels) => string {
  const common = commonTo(all);
  return (labels) => {
    const entries = Object.entries(labels);
    const telling = entries.filter(([label]) => !common.has(label));
    const name = written(telling.length > 0 ? telling : entries);
    return name.length > MOST_CHARACTERS ? `${firstCharacters(name, MOST_CHARACTERS)}…` : name;
  };
}

/** The labels that have the same value in all series. */
function commonTo([first = {}, ...others]: readonly SeriesLabels[]): ReadonlySet<string> {
  const common = new Map(Object.entries(first));
  for (const labels of others) {
    for (const [label, value] of common)
      if (!Object.hasOwn(labels, label) || labels[label] !== value) common.delete(label);
  }
  return new Set(common.keys());
}

function written(labels: readonly (readonly [label: string, value: string])[]): string {
  const metric = labels.find(([label]) => label === '__name__')?.[1] ?? '';
  const isPlain = PLAIN.test(metric.replaceAll(':', '_'));
  const pairs = labels
    .filter(([label]) => label !== '__name__' || !isPlain)
    .map(([label, value]) => `${PLAIN.test(label) ? label : JSON.stringify(label)}=${JSON.stringify(value)}`);
  if (!isPlain) return `{${pairs.join(', ')}}`;
  return pairs.length === 0 ? metric : `${metric}{${pairs.join(', ')}}`;
}
