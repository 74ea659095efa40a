import { decide, type Decision, type Evaluation } from '../alarm/decide.js';
import { windowStart, type BackendAnswer, type JudgedAnswer, type Series, type SeriesNeed } from '../alarm/series.js';
import { evaluatedTypeOf } from '../alarm/types/index.js';
import { retrievalFailed } from '../alarm/types/threshold-judgement.js';
import type { HeldAlarm } from './held-alarm.js';
import type { BackendAnswers } from './send-requests.js';

/** The fields of an alarm that a judgement needs. */
export type JudgedAlarm = Pick<HeldAlarm, 'rule' | 'needs' | 'options' | 'state' | 'repeats'>;

/** The verdict on an alarm and the decision that follows from it. */
export interface Judgement<Answer extends JudgedAnswer = JudgedAnswer> {
  /** The answers to the alarm's needs, in their order, each cut to the alarm's window. */
  answersInWindow: Answer[];
  evaluation: Evaluation;
  decision: Decision;
}

/**
 * Judges one alarm. `answers` are by the keys of the needs and may cover wider windows. A missing answer means that the
 * backend did not answer in time.
 */
export function judgeAlarm(
  alarm: JudgedAlarm,
  answers: Pick<BackendAnswers, 'get'>,
  now: Date,
): Judgement<BackendAnswer> {
  const answersInWindow = alarm.needs.map((need) => ownWindow(answers.get(need.key), need, now));
  return judgeAnswers(alarm, answersInWindow, now);
}

/**
 * Judges without the backends that are unavailable: what they should have answered counts as unknown, with a reason
 * that names the backend. `answersInWindow` comes from `judgeAlarm`.
 */
export function judgeWithoutBackends(
  alarm: JudgedAlarm,
  answersInWindow: readonly BackendAnswer[],
  now: Date,
): Judgement {
  const substituted = answersInWindow.map((answer, index): JudgedAnswer => {
    if (answer.kind !== 'outage' || answer.isUnsent) return answer;
    const reason = retrievalFailed(unavailableText(alarm.needs[index]!, answer.reason));
    return { kind: 'lasting outage', reason };
  });
  return judgeAnswers(alarm, substituted, now);
}

function judgeAnswers<Answer extends JudgedAnswer>(
  { rule, options, state, repeats }: JudgedAlarm,
  answersInWindow: Answer[],
  now: Date,
): Judgement<Answer> {
  const type = evaluatedTypeOf(rule);
  const evaluation = type.evaluate(rule, { answers: answersInWindow, memberStates: NO_MEMBERS, state, options, now });
  return { answersInWindow, evaluation, decision: decide({ state, repeatActions: repeats }, evaluation, type) };
}

/** How reasons of states say that a backend is unavailable. */
export function unavailableText({ datasource, backend }: SeriesNeed, reason: string): string {
  return `the ${datasource} backend${backend === null ? '' : ` ${backend}`} cannot be asked: ${reason}`;
}

const NO_MEMBERS: ReadonlyMap<string, string> = new Map();
const UNANSWERED: BackendAnswer = { kind: 'outage', reason: 'no answer in time' };

/** The part of a wider answer that the alarm would have got by itself. */
function ownWindow(answer: BackendAnswer | undefined, need: SeriesNeed, now: Date): BackendAnswer {
  if (answer === undefined) return UNANSWERED;
  if (answer.kind !== 'series') return answer;
  const start = windowStart(need, now.getTime());
  if (answer.series.every((series) => series.length === 0 || series[0]!.at >= start)) return answer;
  return { ...answer, series: answer.series.map((series) => since(series, start)) };
}

function since(series: Series, start: number): Series {
  const first = series.findIndex(({ at }) => at >= start);
  if (first === 0) return series;
  return first === -1 ? [] : series.slice(first);
}
