import type { Verdict } from './decide.js';
import { seriesLabels, type DecidingSeries } from './series.js';
import type { AlarmState } from './state.js';
import { PythonFloat, pythonJson, type PythonValue } from './wire/python-json.js';

/** One of several series that an alarm looks at, with the verdict on it alone. */
export interface JudgedSeriesOfAnswer {
  /** As they were sent. */
  labels: unknown;
  /** The newest compared value; undefined if it has none. */
  value: number | undefined;
  verdict: Verdict;
}

/** The keys of `reason_data` that name the series; receivers of Aodh ignore them. */
export type SeriesKeys = { readonly series: readonly PythonValue[]; readonly series_total: number };

/** Most series that a notification names. */
export const MOST_DECIDING_SERIES = 20;
/** Most characters of the list of series in a body. They are ASCII, so as many bytes. */
const MOST_CHARACTERS = 4 * 1024;

const VERDICTS_OF: Readonly<Record<AlarmState, readonly Verdict[]>> = {
  ok: ['ok', 'trending ok'],
  alarm: ['alarm', 'trending alarm'],
  'insufficient data': ['insufficient data', 'hold'],
};

/**
 * The series whose own verdict is the state. If there is none, since the alarm keeps a state that its values no longer
 * show, all series.
 */
export function decidingSeries(judged: readonly JudgedSeriesOfAnswer[], state: AlarmState): DecidingSeries {
  const agreeing = judged.filter(({ verdict }) => VERDICTS_OF[state].includes(verdict));
  const deciding = agreeing.length > 0 ? agreeing : judged;
  return {
    first: deciding
      .slice(0, MOST_DECIDING_SERIES)
      .map(({ labels, value }) => ({ labels: seriesLabels(labels), value })),
    total: deciding.length,
  };
}

/** The deciding series of several rules, in their order. Undefined if none of the rules has labelled series. */
export function joinedSeries(parts: readonly (DecidingSeries | undefined)[]): DecidingSeries | undefined {
  const known = parts.filter((part) => part !== undefined);
  if (known.length === 0) return undefined;
  return {
    first: known.flatMap(({ first }) => first).slice(0, MOST_DECIDING_SERIES),
    total: known.reduce((sum, { total }) => sum + total, 0),
  };
}

/** The keys for `reason_data`. A series that does not fit into the rest of the list's size is left out. */
export function seriesKeys({ first, total }: DecidingSeries): SeriesKeys {
  let left = MOST_CHARACTERS - '[]'.length;
  const series = first.map(({ labels, value }) => ({
    labels: { ...labels },
    value: value === undefined ? null : new PythonFloat(value),
  }));
  const fitting = series.filter((one) => {
    const characters = pythonJson(one).length + ', '.length;
    if (characters > left) return false;
    left -= characters;
    return true;
  });
  return { series: fitting, series_total: total };
}
