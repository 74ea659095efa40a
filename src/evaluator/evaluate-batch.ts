import { decide, type Decision } from '../alarm/decide.js';
import type { Series, SeriesNeed } from '../alarm/series.js';
import { isWithin } from '../alarm/time-constraint.js';
import { evaluatedTypeOf } from '../alarm/types/index.js';
import type { Datasource } from '../datasource/datasource.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Outcome } from '../storage/evaluation-commit.js';
import type { Telemetry } from '../telemetry.js';
import type { HeldAlarm } from './alarm-cache.js';
import { countedState, type EvaluationResult } from './count-results.js';
import type { PoisonWatch } from './poison-watch.js';
import { planRequests, type PlannedRequest } from './plan.js';

export interface EvaluateBatchDeps {
  datasources: Record<SeriesNeed['datasource'], Datasource>;
  poison: PoisonWatch;
  keepsResults?: boolean;
  log: Logger;
  telemetry: Telemetry;
}

export interface BatchVerdicts {
  outcomes: Outcome[];
  /** What is to be counted of the verdicts; empty unless `keepsResults`. */
  results: EvaluationResult[];
  /** Partitions with an alarm whose question went unanswered: they are not evaluated yet. */
  unanswered: Set<number>;
  evaluated: number;
}

/** Requests of one batch that are under way at once. */
const CONCURRENT_REQUESTS = 4;

/** Looks at every alarm once, at `now`: asks the backends as little as possible, judges in memory, writes nothing. */
export async function evaluateBatch(
  deps: EvaluateBatchDeps,
  alarms: readonly HeldAlarm[],
  now: Date,
  signal: AbortSignal,
): Promise<BatchVerdicts> {
  const due = alarms.filter(({ need, timeConstraints }) => need !== undefined && isWithin(timeConstraints, now));
  const series = await fetchSeries(deps, planRequests(needsOf(due)), now, signal);
  const verdicts: BatchVerdicts = { outcomes: [], results: [], unanswered: new Set(), evaluated: 0 };
  for (const alarm of due) judge(deps, alarm, { series, now }, verdicts);
  return verdicts;
}

/** What a decision means for the store; null for `stay`, and for a repeat that has nobody to tell. */
export function outcomeOf(alarm: HeldAlarm, decision: Decision): Outcome | null {
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

function* needsOf(alarms: readonly HeldAlarm[]): Iterable<SeriesNeed> {
  for (const { need } of alarms) if (need !== undefined) yield need;
}

async function fetchSeries(
  { datasources, log }: EvaluateBatchDeps,
  requests: readonly PlannedRequest[],
  now: Date,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Series>> {
  const answers = new Map<string, Series>();
  const waiting = [...requests];
  const work = async (): Promise<void> => {
    for (let request = waiting.shift(); request !== undefined; request = waiting.shift()) {
      try {
        const answer = await datasources[request.datasource].series(request, now, signal);
        for (const [key, points] of answer) answers.set(key, points);
      } catch (thrown) {
        log.warn('a metrics backend could not be asked', {
          datasource: request.datasource,
          questions: request.questions.length,
          err: toError(thrown),
        });
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_REQUESTS }, work));
  return answers;
}

function judge(
  deps: EvaluateBatchDeps,
  alarm: HeldAlarm,
  { series: answers, now }: { series: ReadonlyMap<string, Series>; now: Date },
  verdicts: BatchVerdicts,
): void {
  const need = alarm.need as SeriesNeed;
  const series = answers.get(need.key);
  if (series === undefined) {
    verdicts.unanswered.add(alarm.partition);
    return;
  }
  if (deps.poison.isQuarantined(alarm.id, now)) return;
  try {
    const type = evaluatedTypeOf(alarm.rule);
    const evaluation = type.evaluate(alarm.rule, { series: ownWindow(series, need, now), memberStates: NO_MEMBERS });
    const outcome = outcomeOf(alarm, decide({ state: alarm.state, repeatActions: alarm.repeats }, evaluation, type));
    if (outcome) verdicts.outcomes.push(outcome);
    verdicts.evaluated += 1;
    const state = deps.keepsResults ? countedState(alarm.rule.type, evaluation.verdict) : undefined;
    if (state !== undefined) verdicts.results.push({ alarmId: alarm.id, partition: alarm.partition, state });
    deps.telemetry.evaluations.inc({ verdict: evaluation.verdict });
    deps.poison.succeeded(alarm.id);
  } catch (thrown) {
    deps.poison.failed(alarm.id, now, toError(thrown));
  }
}

const NO_MEMBERS: ReadonlyMap<string, string> = new Map();

/** The part of a widened answer that the alarm would have had alone. */
function ownWindow(series: Series, { granularityS, periods }: SeriesNeed, now: Date): Series {
  const start = now.getTime() - periods * granularityS * 1000;
  const first = series.findIndex(({ at }) => at >= start);
  if (first === 0) return series;
  return first === -1 ? [] : series.slice(first);
}
