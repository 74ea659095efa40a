import type { Decision, Verdict } from '../alarm/decide.js';
import type { BackendAnswer, SeriesNeed } from '../alarm/series.js';
import type { Datasources } from '../datasource/datasource.js';
import { toError } from '../errors.js';
import { inPieces, othersTurn } from '../async/in-pieces.js';
import type { Logger } from '../logger.js';
import type { EvaluationOutcome } from '../storage/evaluation/evaluation-commit.js';
import type { Telemetry } from '../telemetry.js';
import { untilAborted } from '../async/deadline.js';
import type { HeldAlarm } from './held-alarm.js';
import { askPlanned, type BackendAnswers } from './ask-backends.js';
import type { BehindWatch } from './lateness/behind-watch.js';
import { countedState, type EvaluationResult } from './count-results.js';
import { judgeAlarm, judgeWithoutBackends, type Judgement } from './judge.js';
import { planRequests, type AlarmPlace, type PlannedRequest } from './plan.js';
import type { PoisonWatch } from './poison-watch.js';
import { failureReason, foundReason, outageReason } from './reason-outcomes.js';
import type { LookAt, Standing, TroubleWatch } from './trouble-watch.js';

export interface EvaluateBatchDeps {
  datasources: Datasources;
  poison: PoisonWatch;
  trouble: TroubleWatch;
  behind: BehindWatch;
  keepsResults?: boolean;
  log: Logger;
  telemetry: Telemetry;
}

export interface Batch extends LookAt {
  alarms: readonly HeldAlarm[];
  /** The last evaluation of a partition before this batch. */
  lastMs?: (partition: number) => number | undefined;
  /**
   * Asked when the answers are there; alarms that are somebody else's by now, or that something else has taken up, are
   * left to that.
   */
  isCurrent?: (alarm: HeldAlarm) => boolean;
  /** When this aborts, alarms whose requests are not sent are left to a later batch. */
  sendBy: AbortSignal;
  /** Told to the backends when time is up. */
  signal: AbortSignal;
  /** A little later: what is not there by then is not waited for. */
  cutOff: AbortSignal;
}

/** What came of the alarms that need the same backends. */
export interface BatchPart {
  outcomes: EvaluationOutcome[];
  /** What is to be counted of the verdicts; empty unless `keepsResults`. */
  results: EvaluationResult[];
  /** Partitions with alarms of which nothing is known yet; the parts to come will tell. */
  unfinished: ReadonlySet<number>;
  /** How many alarms were not evaluated, since their requests were not sent in time. */
  notAsked: number;
}

/**
 * Looks at every alarm once, at `now`: asks the backends as little as possible, judges in memory, writes nothing.
 * Alarms are judged as soon as the backends that they need have answered, so that a slow one delays its own alarms
 * alone; the parts come in that order. There is at least one, and the last leaves nothing unfinished.
 */
export async function* evaluateBatch(deps: EvaluateBatchDeps, batch: Batch): AsyncGenerator<BatchPart, void, void> {
  const answers = new GatheredAnswers();
  const { needs, places, groups } = await dueOf(deps, batch);
  const asked = askBackends(deps, await planRequests(needs, places), batch, answers);
  const waiting = new Map<string, Promise<[string, HeldAlarm[]]>>();
  for (const [name, { backends, alarms }] of groups) {
    waiting.set(
      name,
      Promise.all(backends.map(async (backend) => asked.get(backend))).then(() => [name, alarms]),
    );
  }
  if (waiting.size === 0) yield { outcomes: [], results: [], unfinished: new Set(), notAsked: 0 };
  while (waiting.size > 0) {
    const [name, alarms] = await Promise.race(waiting.values());
    waiting.delete(name);
    groups.delete(name);
    const part: BatchPart = { outcomes: [], results: [], unfinished: partitionsOf(groups.values()), notAsked: 0 };
    for await (const piece of inPieces(alarms)) judgeAll(deps, piece, { answers, batch }, part);
    yield part;
  }
}

/** What a decision means for the store; null for `stay`, and for a repeat that has nobody to tell. */
export function outcomeOf(alarm: HeldAlarm, decision: Decision): EvaluationOutcome | null {
  if (decision.kind === 'stay') return null;
  const [from, to] = decision.kind === 'transition' ? [decision.from, decision.to] : [decision.state, decision.state];
  if (decision.kind === 'repeat' && !alarm.statesWithActions.includes(to)) return null;
  return {
    alarmId: alarm.id,
    partition: alarm.partition,
    stateVersion: alarm.stateVersion,
    definitionVersion: alarm.definitionVersion,
    kind: decision.kind,
    from,
    to,
    reason: decision.reason,
    reasonData: decision.reasonData,
  };
}

/** Time constraints computed in one chunk. At 50 µs each the event loop is blocked for 20 ms at most. */
const CONSTRAINTS_AT_ONCE = 400;

interface Group {
  backends: readonly string[];
  alarms: HeldAlarm[];
}

interface DueAlarms {
  needs: SeriesNeed[];
  /** The place of each need's alarm. Retries have none: requests of due alarms are sent first. */
  places: AlarmPlace[];
  groups: Map<string, Group>;
}

/** The alarms to be looked at, by the backends that they need, and all that they need. */
async function dueOf({ behind }: EvaluateBatchDeps, { alarms, now, isRetry }: Batch): Promise<DueAlarms> {
  const groups = new Map<string, Group>();
  const needs: SeriesNeed[] = [];
  const places: AlarmPlace[] = [];
  let unknown = 0;
  for await (const piece of inPieces(alarms)) {
    for (const alarm of piece) {
      if (alarm.needs.length === 0) continue;
      unknown += alarm.openTimes.unknownAt(now);
      if (unknown > CONSTRAINTS_AT_ONCE) {
        await othersTurn();
        unknown = 0;
      }
      if (!alarm.openTimes.isOpen(now)) continue;
      const place = isRetry ? undefined : { ticket: behind.ticketOf(alarm), projectId: alarm.projectId };
      needs.push(...alarm.needs);
      if (place) places.push(...alarm.needs.map(() => place));
      addTo(groups, alarm);
    }
  }
  return { needs, places, groups };
}

function addTo(groups: Map<string, Group>, alarm: HeldAlarm): void {
  const backends = backendsOf(alarm.needs);
  const name = backends.length === 1 ? (backends[0] as string) : backends.join('\n');
  const group = groups.get(name);
  if (group) group.alarms.push(alarm);
  else groups.set(name, { backends, alarms: [alarm] });
}

function partitionsOf(groups: Iterable<Group>): Set<number> {
  const partitions = new Set<number>();
  for (const { alarms } of groups) for (const { partition } of alarms) partitions.add(partition);
  return partitions;
}

function backendsOf(needs: readonly SeriesNeed[]): string[] {
  const [only] = needs;
  return needs.length === 1 && only ? [backendOf(only)] : [...new Set(needs.map(backendOf))].sort();
}

function backendOf({ datasource, backend }: Pick<SeriesNeed, 'datasource' | 'backend'>): string {
  return backend === null ? datasource : `${datasource} ${backend}`;
}

/** Answers of several requests. Those of the first, which mostly is the only one, are not copied. */
class GatheredAnswers {
  #first: BackendAnswers | undefined;
  readonly #others = new Map<string, BackendAnswer>();

  add(answers: BackendAnswers): void {
    if (this.#first === undefined) this.#first = answers;
    else for (const [key, answer] of answers) this.#others.set(key, answer);
  }

  get(key: string): BackendAnswer | undefined {
    return this.#first?.get(key) ?? this.#others.get(key);
  }
}

/** Puts what is found into `answers`. What it gives tells, by backend, when nothing more of that is waited for. */
function askBackends(
  { datasources, log }: EvaluateBatchDeps,
  requests: readonly PlannedRequest[],
  { now, isRetry, sendBy, signal, cutOff }: Batch,
  answers: GatheredAnswers,
): ReadonlyMap<string, Promise<void>> {
  const asked = new Map<string, Promise<void>>();
  for (const planned of requests) {
    const { datasource, backend } = planned;
    const ask = async (): Promise<void> => {
      try {
        const found = await untilAborted(askPlanned(datasources, planned, { now, signal, sendBy, isRetry }), cutOff);
        answers.add(found);
      } catch (thrown) {
        const level = cutOff.aborted ? 'debug' : 'error';
        log[level]('a datasource gave no answer', { datasource, backend, err: toError(thrown) });
      }
    };
    const name = backendOf({ datasource, backend });
    asked.set(name, Promise.all([asked.get(name), ask()]).then());
  }
  return asked;
}

interface Answered {
  answers: GatheredAnswers;
  batch: Batch;
}

function judgeAll(deps: EvaluateBatchDeps, alarms: readonly HeldAlarm[], answered: Answered, part: BatchPart): void {
  const verdicts = new Map<Verdict, number>();
  for (const alarm of alarms) {
    const verdict = judge(deps, alarm, answered, part);
    if (verdict !== undefined) verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
  }
  for (const [verdict, count] of verdicts) deps.telemetry.evaluations.inc({ verdict }, count);
}

/** The verdict that was come to, if one was. */
function judge(
  deps: EvaluateBatchDeps,
  alarm: HeldAlarm,
  { answers, batch }: Answered,
  part: BatchPart,
): Verdict | undefined {
  const { now, isRetry } = batch;
  if (deps.poison.isQuarantined(alarm.id, now) || batch.isCurrent?.(alarm) === false) return undefined;
  try {
    const judgement = judgeAlarm(alarm, answers, now);
    if (judgement.evaluation.verdict === 'trouble' && isOnlyBehind(judgement)) {
      part.notAsked += 1;
      if (!isRetry) keepPlace(deps, alarm, judgement, batch);
      return undefined;
    }
    deps.behind.evaluated(alarm);
    if (judgement.evaluation.verdict !== 'trouble') {
      const standing = deps.trouble.answered(alarm, batch);
      return note(deps, alarm, { judgement, standing, mayRepeat: standing.isFirst }, part);
    }
    const standing = deps.trouble.inTrouble(alarm, batch);
    const withoutBackends = standing.isJudged ? judgeWithoutBackends(alarm, judgement.own, now) : judgement;
    // Where another backend could not be asked for want of time, the evaluation without the first is no result either.
    if (withoutBackends.evaluation.verdict === 'trouble') {
      add(part, outageReason(alarm, judgement.own));
      return undefined;
    }
    return note(deps, alarm, { judgement: withoutBackends, standing, mayRepeat: !isRetry }, part);
  } catch (thrown) {
    deps.poison.failed(alarm.id, now, toError(thrown));
    add(part, failureReason(alarm));
    return undefined;
  }
}

/** True if only requests that were not sent keep the alarm from a verdict. */
function isOnlyBehind({ own }: Judgement): boolean {
  const unknown = own.filter((answer) => answer.kind === 'trouble');
  return unknown.length > 0 && unknown.every(({ isBehind }) => isBehind === true);
}

function keepPlace({ behind, trouble }: EvaluateBatchDeps, alarm: HeldAlarm, { own }: Judgement, batch: Batch): void {
  const isUnasked = (answer: BackendAnswer): boolean => answer.kind === 'trouble';
  const backend = backendOf(alarm.needs[own.findIndex(isUnasked)] as SeriesNeed);
  const { now } = batch;
  trouble.notAsked(alarm, now);
  behind.notAsked(alarm, { now, lastMs: batch.lastMs?.(alarm.partition), backend, isPartial: !own.every(isUnasked) });
}

function add({ outcomes }: BatchPart, outcome: EvaluationOutcome | null): void {
  if (outcome) outcomes.push(outcome);
}

interface Noted {
  judgement: Judgement;
  standing: Standing;
  /** False where actions have been, or will be, repeated by another look of the same turn. */
  mayRepeat: boolean;
}

function note(
  deps: EvaluateBatchDeps,
  alarm: HeldAlarm,
  { judgement, standing, mayRepeat }: Noted,
  part: BatchPart,
): Verdict {
  const { evaluation, decision } = judgement;
  add(part, decision.kind === 'repeat' && !mayRepeat ? null : outcomeOf(alarm, decision));
  if (decision.kind !== 'transition') add(part, foundReason(alarm, evaluation));
  const state = deps.keepsResults && standing.isFirst ? countedState(alarm.rule.type, evaluation.verdict) : undefined;
  if (state !== undefined) part.results.push({ alarmId: alarm.id, partition: alarm.partition, state });
  deps.poison.succeeded(alarm.id);
  return evaluation.verdict;
}
