import { decidingSeries, type JudgedSeriesOfAnswer } from '../deciding-series.js';
import type { DecidingSeries } from '../series.js';
import type { Evaluation, Reason } from '../decide.js';
import type { AlarmState } from '../state.js';
import { PythonFloat, pythonFloat } from '../wire/python-json.js';
import type { SeriesWithLabels, ThresholdFindings } from './threshold-judgement.js';

/** Reason text and `reason_data` of Aodh's threshold evaluators, and the series behind them. */
export function explainThreshold(findings: ThresholdFindings, state: AlarmState, remaining: boolean): Reason {
  const series = seriesBehind(findings, state);
  return { ...thresholdReason(findings, state, remaining), ...(series && { series }) };
}

function thresholdReason(findings: ThresholdFindings, state: AlarmState, remaining: boolean): Reason {
  const { values, outside, required, unknownReason } = findings;
  const last = values.at(-1);
  const mostRecent = last === undefined ? null : new PythonFloat(last);
  if (state === 'insufficient data' && !remaining) {
    const reasonData = { type: 'threshold', disposition: 'unknown', count: required, most_recent: mostRecent };
    return { reason: unknownReason ?? `${required} datapoints are unknown`, reasonData };
  }
  const disposition = state === 'ok' ? 'inside' : 'outside';
  const count = state === 'ok' ? values.length - outside : state === 'alarm' ? outside : 0;
  const verb = remaining ? 'Remaining as' : 'Transition to';
  const printed = last === undefined ? 'None' : pythonFloat(last);
  const filled = filledText(findings);
  return {
    reason:
      `${verb} ${state} due to ${count} samples ${disposition} threshold, ` +
      `most recent: ${printed}${filled === undefined ? '' : `, ${filled}`}`,
    reasonData: { type: 'threshold', disposition, count, most_recent: mostRecent },
  };
}

/** The text about missing datapoints that were counted; undefined if none was counted. */
export function filledText({ filled }: ThresholdFindings): string | undefined {
  return filled && `missing datapoints counted as ${filled.as}: ${filled.count}`;
}

/** The labelled series that a state is due to; undefined if there are none with labels. */
export function seriesBehind({ labelled }: ThresholdFindings, state: AlarmState): DecidingSeries | undefined {
  return labelled && decidingSeries(judgedSeriesOf(labelled), state);
}

function judgedSeriesOf({ labels, judged }: SeriesWithLabels): JudgedSeriesOfAnswer[] {
  return labels.map((metric, place) => {
    const { verdict, findings } = judged[place] as Evaluation<ThresholdFindings>;
    return { labels: metric, value: findings.values.at(-1), verdict };
  });
}
