import { NOT_EVALUATED_YET, type AlarmState } from '../../alarm/state.js';
import type { Verdict } from '../../alarm/decide.js';
import type { EvaluationOptions } from '../../alarm/evaluation-options.js';
import { counted } from '../../alarm/wire/counted-noun.js';
import { pythonFloat } from '../../alarm/wire/python-json.js';
import type { DropReason } from '../../alarm/sanitise.js';
import { retrievalFailed } from '../../alarm/types/threshold-judgement.js';
import type { OpenSilence } from '../../alarm/silence/silence.js';
import type { ExplainedEvaluation, ExplainedQuery, Explanation, StateThen } from './explanation.js';

/** The facts that the texts are made of. */
export interface EvaluationFacts {
  queries: readonly ExplainedQuery[];
  members: Explanation['members'];
  verdict: Verdict;
  state: AlarmState;
  options: EvaluationOptions;
}

const MOST_MEMBERS = 10;
const NO_NUMBER: DropReason = 'not a number';

/** The finding of an evaluation, in half a sentence. */
export function foundWords({ queries, members, verdict, state, options }: EvaluationFacts): string {
  if (members !== null) return membersWords(members);
  const [first] = queries;
  if (first === undefined) return 'there is nothing to look at';
  if (first.part !== null) return partsWords(queries);
  const words = queryWords(first, verdict, options);
  const ofSeries = seriesWords(first);
  return words + (isTrend(verdict) ? trendWords(first, state) : '') + (ofSeries && `; ${ofSeries}`);
}

function trendWords({ judgedSeries }: ExplainedQuery, state: AlarmState): string {
  if (state !== 'insufficient data') return '; a mixture changes no state';
  const decides = 'decides while the state is unknown';
  return judgedSeries === null || judgedSeries.count < 2
    ? ` and ${decides}`
    : `; the last series, ${judgedSeries.last}, ${decides}`;
}

function membersWords(members: readonly { alarmId: string; state: AlarmState | null }[]): string {
  const shown = members.slice(0, MOST_MEMBERS).map(({ alarmId, state }) => `${alarmId} is ${state ?? 'gone'}`);
  return `of its members ${shown.join(', ')}${members.length > MOST_MEMBERS ? ', …' : ''}`;
}

function partsWords(queries: readonly ExplainedQuery[]): string {
  return queries
    .map((query) => {
      const { part, backend, refusal } = query;
      if (backend.outage !== null)
        return `${part?.name}: ${shownBackend(backend)} could not be asked: ${backend.outage}`;
      const why = refusal === null ? '' : ` (${shownBackend(backend)} gives no data: ${withoutPreamble(refusal)})`;
      const ofSeries = seriesWords(query);
      return `${part?.name} says ${part?.verdict}${ofSeries && ` (${ofSeries})`}${why}`;
    })
    .join(', ');
}

function queryWords(query: ExplainedQuery, verdict: Verdict, options: EvaluationOptions): string {
  const { backend, refusal, poolMembers, compared, window } = query;
  if (backend.outage !== null) return `${shownBackend(backend)} could not be asked: ${backend.outage}`;
  if (refusal !== null) return `${shownBackend(backend)} gives no data: ${withoutPreamble(refusal)}`;
  if (poolMembers !== null) return poolWords(poolMembers);
  const missing = missingWords(verdict, options);
  if (compared === 0) return noneComparedWords(query) + missing;
  if (verdict === 'insufficient data' || verdict === 'hold') {
    const series = query.judgedSeries?.count ?? 1;
    if (series > 1)
      return `none of its ${series} series has the ${counted(window.evaluationPeriods, 'datapoint')} needed${missing}`;
    const needed = counted(window.evaluationPeriods, 'datapoint');
    return `only ${compared} of the ${needed} needed ${compared === 1 ? 'is' : 'are'} there${missing}`;
  }
  return comparedWords(query, options) + (compared < window.evaluationPeriods ? missing : '');
}

function poolWords(members: NonNullable<ExplainedQuery['poolMembers']>): string {
  const unhealthy = members.filter((member) => member.unhealthy).length;
  const verb = unhealthy === 1 ? 'counts' : 'count';
  return `${unhealthy} of the pool's ${counted(members.length, 'member')} ${verb} as unhealthy`;
}

function noneComparedWords({ datapoints, window: { evaluationPeriods: periods } }: ExplainedQuery): string {
  if (!datapoints.some(({ why }) => why === NO_NUMBER)) return 'there are no datapoints in the window';
  return periods === 1 ? 'the last datapoint is not a number' : `none of the last ${periods} datapoints is a number`;
}

function shownBackend({ kind, name }: ExplainedQuery['backend']): string {
  return name === null ? kind : `${kind} ${name}`;
}

/** Aodh puts the same words before every refusal. The sentence already says them. */
function withoutPreamble(refusal: string): string {
  const preamble = retrievalFailed('');
  return refusal.startsWith(preamble) ? refusal.slice(preamble.length) : refusal;
}

function missingWords(verdict: Verdict, { treat_missing_data: treatment }: EvaluationOptions): string {
  if (verdict === 'hold') return ', and the alarm is to keep its state then';
  return treatment === 'ok' || treatment === 'alarm' ? `; missing ones count as ${treatment}` : '';
}

const RELATIONS = {
  gt: 'above',
  ge: 'at or above',
  lt: 'below',
  le: 'at or below',
  eq: 'equal to',
  ne: 'other than',
} as const;

function comparedWords(
  { condition, compared, outside, mostRecent }: ExplainedQuery,
  options: EvaluationOptions,
): string {
  if (condition === null) return `${counted(compared, 'datapoint')} ${compared === 1 ? 'was' : 'were'} compared`;
  const relation = `${RELATIONS[condition.comparison_operator]} ${pythonFloat(condition.effectiveThreshold)}`;
  const value = mostRecent === null ? 'none' : pythonFloat(mostRecent);
  if (compared === 1) return `the last datapoint, ${value}, is ${outside === 1 ? '' : 'not '}${relation}`;
  const count = outside === compared ? 'all' : outside === 0 ? 'none' : String(outside);
  const enough = options.datapoints_to_alarm;
  const verb = outside === 0 || outside === 1 ? 'is' : 'are';
  const needed = enough === undefined ? '' : `; it takes ${enough} to be in alarm`;
  return `${count} of the last ${compared} datapoints ${verb} ${relation}, the most recent is ${value}${needed}`;
}

/** The series that cause the alarm, if not all of them do; otherwise the empty text. */
function seriesWords({ judgedSeries }: ExplainedQuery): string {
  if (judgedSeries === null || judgedSeries.inAlarm === 0 || judgedSeries.count < 2) return '';
  const { count, inAlarm, first } = judgedSeries;
  if (inAlarm === count) return `all of its ${count} series are in alarm`;
  const at = (value: number | null): string => (value === null ? '' : ` at ${pythonFloat(value)}`);
  const [only] = first;
  if (inAlarm === 1 && only)
    return (
      `of its ${count} series only ${only.name} is in ` +
      `alarm${only.mostRecent === null ? '' : `,${at(only.mostRecent)}`}`
    );
  const names = first.map(({ name, mostRecent }) => name + at(mostRecent)).join(', ');
  const others = inAlarm > first.length ? ` and ${inAlarm - first.length} more` : '';
  return `of its ${count} series ${inAlarm} are in alarm: ${names}${others}`;
}

function isTrend(verdict: Verdict): boolean {
  return verdict === 'trending ok' || verdict === 'trending alarm';
}

/** The facts that the summary is made of. */
export interface SummaryInput {
  at: Date;
  stateAt: StateThen;
  /** False if the alarm was created later. An imported alarm can have a history of that time. */
  existed: boolean;
  evaluation: ExplainedEvaluation;
  /** The finding; undefined if the alarm could not be evaluated. */
  found: string | undefined;
  /** Why no evaluator evaluates the alarm at that moment; undefined if one does. */
  whySkipped: string | undefined;
}

/** Why the alarm is in its state, and what an evaluation finds now. */
export function summaryOf(input: SummaryInput): string {
  const { whySkipped } = input;
  return [stateSentence(input), evaluationSentence(input), whySkipped && `No evaluator looks at it: ${whySkipped}.`]
    .filter(Boolean)
    .join(' ');
}

function stateSentence({ at, stateAt, existed }: SummaryInput): string {
  if (!existed && stateAt.since === null) return `At ${shownTime(at)} the alarm did not exist yet.`;
  const isPast = stateAt.from === 'its history';
  const subject = isPast ? `At ${shownTime(at)} it` : 'It';
  const verb = stateAt.since === null ? 'was' : isPast ? 'had been' : 'has been';
  const since = stateAt.since === null ? '' : ` since ${shownTime(stateAt.since)}`;
  const reason = stateAt.reason === null ? '.' : `: ${shownReason(stateAt.reason)}.`;
  return `${subject} ${verb} in state ${stateAt.state}${since}${reason}`;
}

/** The first reason stays as long as evaluations find the state of the creation. Repeated here it would be wrong. */
function shownReason(reason: string): string {
  return reason === NOT_EVALUATED_YET
    ? 'no evaluation has found another state yet'
    : reason.replace(/(?<![.\s])[.\s]+$/, '');
}

function evaluationSentence({ evaluation, found, stateAt, existed }: SummaryInput): string | undefined {
  if (found === undefined) return undefined;
  if (!existed && stateAt.since === null)
    return evaluation.verdict === 'outage'
      ? `An evaluation of that moment is not possible: ${found}.`
      : `An evaluation of that moment gives ${evaluation.wouldBe}: ${found}.`;
  if (evaluation.verdict === 'outage') return `It keeps its state, since nothing new can be said: ${found}.`;
  if (evaluation.wouldBe === stateAt.state) return `Its evaluation gives the same: ${found}.`;
  return `Its evaluation gives ${evaluation.wouldBe}: ${found}.`;
}

/** UTC to the second, with `Z`: a sentence has no other sign of its zone. */
function shownTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** The note about a silence that holds the alarm. */
export function silenceNote({ id, until, reason, owner }: OpenSilence): string {
  return `Silence ${id} holds its notifications until ${shownTime(until)}, for ${owner}: ${reason}`;
}
