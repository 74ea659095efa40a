import type { AlarmState } from '../../alarm/state.js';
import { decide, type Decision, type Verdict } from '../../alarm/decide.js';
import { NO_OPTIONS } from '../../alarm/evaluation-options.js';
import { createOpenTimesSource, type OpenTimesSource } from '../../alarm/time-constraint/open-times.js';
import type { SeriesNeed } from '../../alarm/series.js';
import type { OpenSilence } from '../../alarm/silence/silence.js';
import { noBackend } from '../../alarm/state-reason.js';
import { neverOpening, neverOpensReason, neverOpensSentence } from '../../alarm/time-constraint/time-constraint.js';
import { evaluatedTypeOf, typeOf } from '../../alarm/types/index.js';
import type { Datasources } from '../../datasource/registry.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-row.js';
import type { EvaluationStore } from '../../storage/evaluation/evaluation-store.js';
import type { EvaluationProgress, ExplanationStore } from '../../storage/evaluation/explanation-store.js';
import type { SilenceStore } from '../../storage/silences/silence-store.js';
import { sendRequests } from '../send-requests.js';
import { CombinationSnapshot } from '../combination-snapshot.js';
import { explainedQueries, unsentQueries } from './explain-queries.js';
import { foundWords, silenceNote, summaryOf } from './explain-words.js';
import type { ExplainedEvaluation, ExplainedQuery, ExplainedSchedule, Explanation, StateThen } from './explanation.js';
import { judgeAlarm, judgeWithoutBackends } from '../judge.js';
import { createTraceRecorder } from './trace-recorder.js';
import { secondsText } from '../lateness/lateness-report.js';
import { planRequests } from '../plan.js';
import { lastDueTime } from '../schedule.js';

/** Dependencies of `explain`. */
export interface ExplanationDeps {
  datasources: Datasources;
  store: ExplanationStore;
  reachableFrom: EvaluationStore['reachableFrom'];
  silences: Pick<SilenceStore, 'holding'>;
  intervalMs: number;
  /** How long an alarm keeps its state while a backend is unavailable. */
  graceMs: number;
}

/** The moment to explain, and the present. */
export interface Moment {
  now: Date;
  /** At or before `now`. */
  at: Date;
  signal: AbortSignal;
}

/** Explains the state of an alarm at a moment. */
export type Explain = (alarm: StoredAlarm, moment: Moment) => Promise<Explanation>;

type Deps = ExplanationDeps & { openTimes: OpenTimesSource };

/** Evaluates an alarm as its evaluator does, at a given moment, and reports all that was seen. Writes nothing. */
export function createExplain(deps: ExplanationDeps): Explain {
  const openTimes = createOpenTimesSource();
  return (alarm, moment) => explain({ ...deps, openTimes }, alarm, moment);
}

/** The result of one evaluation. */
interface EvaluationFindings {
  queries: ExplainedQuery[];
  members: Explanation['members'];
  /** Undefined if the alarm could not be evaluated. */
  judged: { verdict: Verdict; decision: Decision } | undefined;
  /** Why no evaluator can evaluate it. */
  whyNotEvaluated?: string | undefined;
  notes?: string[];
}

async function explain(deps: Deps, alarm: StoredAlarm, moment: Moment): Promise<Explanation> {
  const { at } = moment;
  const { openTimes } = deps;
  const { judgedBy } = typeOf(alarm.rule);
  const progress = await deps.store.progressOf(alarm.id);
  const stateAt = await stateThen(deps, alarm, moment);
  const silences = await silencesOf(deps, alarm, moment);
  const findings = await evaluateAlarm(deps, alarm, { ...moment, state: stateAt.state });
  const constraints = alarm.timeConstraints.map((constraint) => ({
    constraint,
    holds: openTimes.of([constraint]).isOpen(at),
  }));
  const within = openTimes.of(alarm.timeConstraints).isOpen(at);
  const whySkipped = !alarm.enabled ? 'it is disabled' : !within ? outsideReason(alarm) : findings.whyNotEvaluated;
  const found = findings.judged && wordsFor(alarm, findings, { ...findings.judged, state: stateAt.state });
  const evaluation = evaluationOf(findings, stateAt.state, { whySkipped, found });
  return {
    at,
    stateAt,
    summary: summaryOf({ at, stateAt, existed: existedAt(at, progress), evaluation, found, whySkipped }),
    notes: [
      ...behindNotes(alarm, progress, moment),
      ...notesOn(alarm, at, progress),
      ...silences.map(silenceNote),
      ...(findings.notes ?? []),
    ],
    judgedBy,
    options: alarm.evaluationOptions ?? NO_OPTIONS,
    queries: findings.queries,
    timeConstraints: { within, constraints },
    evaluation,
    members: findings.members,
    lastFiring: judgedBy === 'events' ? ((await deps.store.lastFiring(alarm.id, at)) ?? null) : null,
    silences,
    schedule: scheduleOf(alarm, progress, { ...moment, intervalMs: deps.intervalMs }),
  };
}

function outsideReason({ timeConstraints }: StoredAlarm): string {
  return neverOpensReason(timeConstraints) ?? 'the moment is outside its time constraints';
}

function wordsFor(
  { evaluationOptions }: StoredAlarm,
  { queries, members }: EvaluationFindings,
  { verdict, state }: { verdict: Verdict; state: AlarmState },
): string {
  return foundWords({ queries, members, verdict, state, options: evaluationOptions ?? NO_OPTIONS });
}

/** An alarm that no evaluator evaluates keeps its state. */
function evaluationOf(
  { judged }: EvaluationFindings,
  state: AlarmState,
  { whySkipped, found = '' }: { whySkipped: string | undefined; found: string | undefined },
): ExplainedEvaluation {
  const { verdict, decision } = judged ?? { verdict: null, decision: { kind: 'stay' as const } };
  const wouldBe = decision.kind === 'transition' ? decision.to : state;
  if (whySkipped !== undefined) return { verdict, wouldBe, decision: 'stay', reason: whySkipped };
  return { verdict, wouldBe, decision: decision.kind, reason: decision.kind === 'stay' ? found : decision.reason };
}

async function stateThen({ store }: ExplanationDeps, alarm: StoredAlarm, { at, now }: Moment): Promise<StateThen> {
  const present: StateThen = {
    state: alarm.state,
    since: alarm.stateTimestamp,
    reason: alarm.stateReason,
    from: 'the alarm',
  };
  if (at.getTime() >= now.getTime()) return present;
  const past = (await store.statesAt([alarm.id], at)).get(alarm.id);
  return past ? { ...past, from: 'its history' } : present;
}

/** The silences that hold the alarm at present; none for past moments, since ended silences are not compared. */
async function silencesOf(
  { silences }: ExplanationDeps,
  { id, projectId, name, rule, severity }: StoredAlarm,
  { at, now }: Moment,
): Promise<readonly OpenSilence[]> {
  if (at.getTime() < now.getTime()) return [];
  return (await silences.holding([{ id, projectId, name, type: rule.type, severity }], now)).get(id) ?? [];
}

type EvaluationMoment = Moment & { state: AlarmState };

async function evaluateAlarm(deps: Deps, alarm: StoredAlarm, moment: EvaluationMoment): Promise<EvaluationFindings> {
  const { judgedBy } = typeOf(alarm.rule);
  if (judgedBy === 'members') return evaluateMembers(deps, alarm, moment);
  if (judgedBy === 'series') return evaluateSeries(deps, alarm, moment);
  return {
    queries: [],
    members: null,
    judged: undefined,
    whyNotEvaluated: 'it is judged on events, as each of them comes in',
  };
}

async function evaluateSeries(
  { datasources, graceMs }: ExplanationDeps,
  alarm: StoredAlarm,
  { at, state, signal }: EvaluationMoment,
): Promise<EvaluationFindings> {
  const { rule, repeatActions: repeats } = alarm;
  const options = alarm.evaluationOptions ?? NO_OPTIONS;
  const needs = typeOf(rule).seriesNeeded(rule, options);
  const isConfigured = ({ datasource, backend }: SeriesNeed): boolean =>
    datasources.find(datasource, backend) !== undefined;
  const missing = needs.find((need) => !isConfigured(need));
  if (missing !== undefined) {
    const queries = unsentQueries({ rule, needs, options, at }, isConfigured);
    return {
      queries,
      members: null,
      judged: undefined,
      whyNotEvaluated: noBackend(missing.datasource, missing.backend),
    };
  }
  const recorder = createTraceRecorder();
  const { traceOf } = recorder;
  const answers = await sendRequests(datasources, await planRequests(needs), { now: at, signal, traceOf });
  const judged = { rule, needs, options, state, repeats };
  const first = judgeAlarm(judged, answers, at);
  const isUnavailable = first.evaluation.verdict === 'outage';
  const withoutBackends = isUnavailable ? judgeWithoutBackends(judged, first.answersInWindow, at) : first;
  const { evaluation, decision } = graceMs === 0 ? withoutBackends : first;
  const { answersInWindow } = first;
  const queries = await explainedQueries({
    rule,
    needs,
    options,
    state,
    at,
    answers,
    answersInWindow,
    evaluation,
    recorder,
  });
  const notes = isUnavailable && graceMs > 0 ? [graceNote(graceMs, withoutBackends.decision)] : [];
  return { queries, members: null, judged: { verdict: evaluation.verdict, decision }, notes };
}

function graceNote(graceMs: number, then: Decision): string {
  const grace = `${graceMs / 1000} seconds`;
  return then.kind === 'transition'
    ? `While a backend that it needs cannot be asked, the alarm keeps its state ` +
        `for ${grace}; then it goes to ${then.to}.`
    : `While a backend that it needs cannot be asked, the alarm keeps its state, also after the grace of ${grace}.`;
}

async function evaluateMembers(
  deps: Deps,
  alarm: StoredAlarm,
  { at, now, state }: EvaluationMoment,
): Promise<EvaluationFindings> {
  const reached = await deps.reachableFrom([alarm.id]);
  const isPast = at.getTime() < now.getTime();
  const ids = reached.map(({ id }) => id);
  const past = isPast ? await deps.store.statesAt(ids, at) : undefined;
  const then = reached.map((one) => ({ ...one, state: past?.get(one.id)?.state ?? one.state }));
  const snapshot = new CombinationSnapshot(then, { now: at, openTimes: deps.openTimes });
  // The alarm was deleted between two statements: there is nothing to judge.
  if (!snapshot.has(alarm.id)) return { queries: [], members: [], judged: undefined, whyNotEvaluated: 'it is gone' };
  const states = snapshot.statesBelow(alarm.id);
  const members = typeOf(alarm.rule)
    .members(alarm.rule)
    .map((alarmId) => ({ alarmId, state: states.get(alarmId) ?? null }));
  const evaluation = snapshot.verdictOf(alarm.id);
  const decision = decide({ state, repeatActions: alarm.repeatActions }, evaluation, evaluatedTypeOf(alarm.rule));
  return { queries: [], members, judged: { verdict: evaluation.verdict, decision } };
}

/**
 * How late the alarm is at present; null if it is on time. Null also for past moments, since their lateness is unknown.
 */
function behindMs(
  { enabled }: StoredAlarm,
  progress: EvaluationProgress | undefined,
  { at, now }: Pick<Moment, 'at' | 'now'>,
): number | null {
  if (!enabled || at.getTime() < now.getTime() || !progress?.behindSince) return null;
  return Math.max(0, now.getTime() - progress.behindSince.getTime());
}

function behindNotes(alarm: StoredAlarm, progress: EvaluationProgress | undefined, moment: Moment): string[] {
  const lateMs = behindMs(alarm, progress, moment);
  if (lateMs === null) return [];
  const why = 'its backend answers fewer requests than the alarms need';
  return [
    `Tocsin is behind: ${secondsText(lateMs)}. The alarm has been due for so long, and waits for its turn: ${why}.`,
  ];
}

function existedAt(at: Date, progress: EvaluationProgress | undefined): boolean {
  return !progress?.createdAt || at.getTime() >= progress.createdAt.getTime();
}

function notesOn(alarm: StoredAlarm, at: Date, progress: EvaluationProgress | undefined): string[] {
  const isBefore = !existedAt(at, progress);
  return [
    ...(isBefore ? ['The alarm did not exist yet at that moment.'] : []),
    ...(!isBefore && at.getTime() < alarm.timestamp.getTime()
      ? ['The alarm was changed after that moment; it is judged here as it is defined now.']
      : []),
    ...neverOpening(alarm.timeConstraints).map((name) => `The ${neverOpensSentence(name)}.`),
    ...(alarm.muted ? ['The alarm is muted: its state changes, and its actions are not run.'] : []),
  ];
}

/**
 * The phase belongs to the partition, so the next evaluation can be computed. Combinations follow their members, and
 * event alarms have no schedule.
 */
function scheduleOf(
  alarm: StoredAlarm,
  progress: EvaluationProgress | undefined,
  { now, at, intervalMs }: Moment & { intervalMs: number },
): ExplainedSchedule {
  const hasPhase = alarm.enabled && typeOf(alarm.rule).judgedBy === 'series' && progress !== undefined;
  return {
    partition: progress?.partition ?? null,
    owner: progress?.owner ?? null,
    epoch: progress?.epoch ?? null,
    lastEvaluatedAt: progress?.lastEvaluatedAt ?? null,
    nextEvaluationAt: hasPhase
      ? new Date(lastDueTime(progress.partition, now.getTime(), intervalMs) + intervalMs)
      : null,
    behindMs: behindMs(alarm, progress, { at, now }),
    intervalMs,
    muted: alarm.muted,
    enabled: alarm.enabled,
  };
}
