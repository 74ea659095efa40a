import type { Decision, Verdict } from '../alarm/decide.js';
import type { BackendAnswer, SeriesNeed } from '../alarm/series.js';
import type { Datasources } from '../datasource/datasource.js';
import { toError } from '../errors.js';
import { inChunks, yieldToEventLoop } from '../async/event-loop.js';
import type { Logger } from '../logger.js';
import type { EvaluationOutcome } from '../storage/evaluation/evaluation-commit.js';
import type { Telemetry } from '../telemetry.js';
import { untilAborted } from '../async/deadline.js';
import type { HeldAlarm } from './held-alarm.js';
import { askPlanned, type BackendAnswers } from './ask-backends.js';
import type { BehindWatch } from './lateness/behind-watch.js';
import { countedState, type EvaluationResult } from './count-results.js';
import { judgeAlarm, judgeWithoutBackends, type Judgement } from './judge.js';
import { planRequests, type AlarmTicket, type PlannedRequest } from './plan.js';
import type { Quarantine } from './quarantine.js';
import { failureReason, foundReason, outageReason } from './reason-outcomes.js';
import type { EvaluationPass, OutageDecision, OutageWatch } from './outage-watch.js';

/** Dependencies of the evaluation of a batch. */
export interface EvaluateBatchDeps {
  datasources: Datasources;
  quarantine: Quarantine;
  outages: OutageWatch;
  behind: BehindWatch;
  keepsResults?: boolean;
  log: Logger;
  telemetry: Telemetry;
}

/** The alarms of a batch and its limits. */
export interface Batch extends EvaluationPass {
  alarms: readonly HeldAlarm[];
  /** The last evaluation of a partition before this batch. */
  lastMs?: (partition: number) => number | undefined;
  /**
   * Called when the answers are there. False for alarms that this evaluator has lost or that another batch evaluates.
   */
  isCurrent?: (alarm: HeldAlarm) => boolean;
  /** When this aborts, alarms whose requests are not sent are left to a later batch. */
  sendBy: AbortSignal;
  /** Passed to the backends; aborts at the deadline. */
  signal: AbortSignal;
  /** Aborts a little later: then the batch goes on without the missing answers. */
  cutOff: AbortSignal;
}

/** The outcomes of alarms that need the same backends. */
export interface BatchPart {
  outcomes: EvaluationOutcome[];
  /** The verdicts to count; empty unless `keepsResults`. */
  results: EvaluationResult[];
  /** Partitions with alarms that are not judged yet. Later parts contain them. */
  unfinished: ReadonlySet<number>;
  /** The number of alarms that were not evaluated because their requests were not sent in time. */
  notSent: number;
}

/**
 * Evaluates every alarm once, at `now`, with as few requests as possible. Judges in memory and writes nothing. Alarms
 * are judged as soon as the backends that they need have answered, so a slow backend delays only its own alarms; parts
 * come in that order. There is at least one part, and the last one leaves nothing unfinished.
 */
export async function* evaluateBatch(deps: EvaluateBatchDeps, batch: Batch): AsyncGenerator<BatchPart, void, void> {
  const answers = new GatheredAnswers();
  const { needs, tickets, groups } = await dueOf(deps, batch);
  const answered = askBackends(deps, await planRequests(needs, tickets), batch, answers);
  const waiting = new Map<string, Promise<[string, HeldAlarm[]]>>();
  for (const [name, { backends, alarms }] of groups) {
    waiting.set(
      name,
      Promise.all(backends.map(async (backend) => answered.get(backend))).then(() => [name, alarms]),
    );
  }
  if (waiting.size === 0) yield { outcomes: [], results: [], unfinished: new Set(), notSent: 0 };
  while (waiting.size > 0) {
    const [name, alarms] = await Promise.race(waiting.values());
    waiting.delete(name);
    groups.delete(name);
    const part: BatchPart = { outcomes: [], results: [], unfinished: partitionsOf(groups.values()), notSent: 0 };
    for await (const piece of inChunks(alarms)) judgeAll(deps, piece, { answers, batch }, part);
    yield part;
  }
}

/** The outcome to store for a decision; null for `stay`, and for a repeat without actions. */
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

interface BackendGroup {
  backends: readonly string[];
  alarms: HeldAlarm[];
}

interface DueAlarms {
  needs: SeriesNeed[];
  /** The ticket of each need's alarm. Retries have none: requests of due alarms are sent first. */
  tickets: AlarmTicket[];
  groups: Map<string, BackendGroup>;
}

/** The needs of the alarms that are evaluated now, and the alarms by the backends that they need. */
async function dueOf({ behind }: EvaluateBatchDeps, { alarms, now, isRetry }: Batch): Promise<DueAlarms> {
  const groups = new Map<string, BackendGroup>();
  const needs: SeriesNeed[] = [];
  const tickets: AlarmTicket[] = [];
  let unknown = 0;
  for await (const piece of inChunks(alarms)) {
    for (const alarm of piece) {
      if (alarm.needs.length === 0) continue;
      unknown += alarm.openTimes.unknownAt(now);
      if (unknown > CONSTRAINTS_AT_ONCE) {
        await yieldToEventLoop();
        unknown = 0;
      }
      if (!alarm.openTimes.isOpen(now)) continue;
      const ticket = isRetry ? undefined : { ticket: behind.ticketOf(alarm), projectId: alarm.projectId };
      needs.push(...alarm.needs);
      if (ticket) tickets.push(...alarm.needs.map(() => ticket));
      addTo(groups, alarm);
    }
  }
  return { needs, tickets, groups };
}

function addTo(groups: Map<string, BackendGroup>, alarm: HeldAlarm): void {
  const backends = backendsOf(alarm.needs);
  const name = backends.length === 1 ? (backends[0] as string) : backends.join('\n');
  const group = groups.get(name);
  if (group) group.alarms.push(alarm);
  else groups.set(name, { backends, alarms: [alarm] });
}

function partitionsOf(groups: Iterable<BackendGroup>): Set<number> {
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

/** The answers of several requests. The answers of the first request, mostly the only one, are not copied. */
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

/**
 * Sends the requests and adds their answers to `answers`. The promise of a backend resolves when no more of its answers
 * come.
 */
function askBackends(
  { datasources, log }: EvaluateBatchDeps,
  requests: readonly PlannedRequest[],
  { now, isRetry, sendBy, signal, cutOff }: Batch,
  answers: GatheredAnswers,
): ReadonlyMap<string, Promise<void>> {
  const answered = new Map<string, Promise<void>>();
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
    answered.set(name, Promise.all([answered.get(name), ask()]).then());
  }
  return answered;
}

/** The batch and the answers that it has so far. */
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

/** Judges one alarm and adds its outcomes to `part`. Undefined if there is no verdict. */
function judge(
  deps: EvaluateBatchDeps,
  alarm: HeldAlarm,
  { answers, batch }: Answered,
  part: BatchPart,
): Verdict | undefined {
  const { now, isRetry } = batch;
  if (deps.quarantine.isQuarantined(alarm.id, now) || batch.isCurrent?.(alarm) === false) return undefined;
  try {
    const judgement = judgeAlarm(alarm, answers, now);
    if (judgement.evaluation.verdict === 'trouble' && isOnlyUnsent(judgement)) {
      part.notSent += 1;
      if (!isRetry) keepTicket(deps, alarm, judgement, batch);
      return undefined;
    }
    deps.behind.evaluated(alarm);
    if (judgement.evaluation.verdict !== 'trouble') {
      const outageDecision = deps.outages.recordAnswered(alarm, batch);
      return recordVerdict(deps, alarm, { judgement, outageDecision, mayRepeat: outageDecision.isFirst }, part);
    }
    const outageDecision = deps.outages.recordUnavailable(alarm, batch);
    const withoutBackends = outageDecision.isJudged
      ? judgeWithoutBackends(alarm, judgement.answersInWindow, now)
      : judgement;
    // A request to another backend was not sent in time, so leaving out the unavailable backend gives no verdict
    // either.
    if (withoutBackends.evaluation.verdict === 'trouble') {
      add(part, outageReason(alarm, judgement.answersInWindow));
      return undefined;
    }
    return recordVerdict(deps, alarm, { judgement: withoutBackends, outageDecision, mayRepeat: !isRetry }, part);
  } catch (thrown) {
    deps.quarantine.failed(alarm.id, now, toError(thrown));
    add(part, failureReason(alarm));
    return undefined;
  }
}

/** True if only unsent requests keep the alarm from a verdict. */
function isOnlyUnsent({ answersInWindow }: Judgement): boolean {
  const unknown = answersInWindow.filter((answer) => answer.kind === 'trouble');
  return unknown.length > 0 && unknown.every(({ isUnsent }) => isUnsent === true);
}

function keepTicket(
  { behind, outages }: EvaluateBatchDeps,
  alarm: HeldAlarm,
  { answersInWindow }: Judgement,
  batch: Batch,
): void {
  const isUnavailable = (answer: BackendAnswer): boolean => answer.kind === 'trouble';
  const backend = backendOf(alarm.needs[answersInWindow.findIndex(isUnavailable)] as SeriesNeed);
  const { now } = batch;
  outages.pauseGrace(alarm, now);
  behind.notSent(alarm, {
    now,
    lastMs: batch.lastMs?.(alarm.partition),
    backend,
    isPartial: !answersInWindow.every(isUnavailable),
  });
}

function add({ outcomes }: BatchPart, outcome: EvaluationOutcome | null): void {
  if (outcome) outcomes.push(outcome);
}

interface JudgedEvaluation {
  judgement: Judgement;
  outageDecision: OutageDecision;
  /** False where another evaluation of the same interval repeats the actions. */
  mayRepeat: boolean;
}

function recordVerdict(
  deps: EvaluateBatchDeps,
  alarm: HeldAlarm,
  { judgement, outageDecision, mayRepeat }: JudgedEvaluation,
  part: BatchPart,
): Verdict {
  const { evaluation, decision } = judgement;
  add(part, decision.kind === 'repeat' && !mayRepeat ? null : outcomeOf(alarm, decision));
  if (decision.kind !== 'transition') add(part, foundReason(alarm, evaluation));
  const state =
    deps.keepsResults && outageDecision.isFirst ? countedState(alarm.rule.type, evaluation.verdict) : undefined;
  if (state !== undefined) part.results.push({ alarmId: alarm.id, partition: alarm.partition, state });
  deps.quarantine.succeeded(alarm.id);
  return evaluation.verdict;
}
