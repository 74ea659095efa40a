import type { Decision } from '../alarm/decide.js';
import type { BackendAnswer, SeriesNeed } from '../alarm/series.js';
import { isWithin } from '../alarm/time-constraint.js';
import type { Datasources } from '../datasource/datasource.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Outcome } from '../storage/evaluation-commit.js';
import type { Telemetry } from '../telemetry.js';
import type { HeldAlarm } from './alarm-cache.js';
import { askBackends } from './ask-backends.js';
import { countedState, type EvaluationResult } from './count-results.js';
import { judgeAlarm } from './judge.js';
import type { PoisonWatch } from './poison-watch.js';
import { planRequests } from './plan.js';

export interface EvaluateBatchDeps {
  datasources: Datasources;
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

/** Looks at every alarm once, at `now`: asks the backends as little as possible, judges in memory, writes nothing. */
export async function evaluateBatch(
  deps: EvaluateBatchDeps,
  alarms: readonly HeldAlarm[],
  now: Date,
  signal: AbortSignal,
): Promise<BatchVerdicts> {
  const due = alarms.filter(({ needs, timeConstraints }) => needs.length > 0 && isWithin(timeConstraints, now));
  const answers = await askBackends(deps.datasources, planRequests(needsOf(due)), { now, signal });
  const verdicts: BatchVerdicts = { outcomes: [], results: [], unanswered: new Set(), evaluated: 0 };
  for (const alarm of due) judge(deps, alarm, { answers, now }, verdicts);
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
  for (const { needs } of alarms) yield* needs;
}

interface Asked {
  answers: ReadonlyMap<string, BackendAnswer>;
  now: Date;
}

function judge(deps: EvaluateBatchDeps, alarm: HeldAlarm, { answers, now }: Asked, verdicts: BatchVerdicts): void {
  if (deps.poison.isQuarantined(alarm.id, now)) return;
  try {
    const { evaluation, decision } = judgeAlarm(alarm, answers, now);
    if (evaluation.verdict === 'trouble') {
      verdicts.unanswered.add(alarm.partition);
      return;
    }
    const outcome = outcomeOf(alarm, decision);
    if (outcome) verdicts.outcomes.push(outcome);
    verdicts.evaluated += 1;
    const counted = deps.keepsResults ? countedState(alarm.rule.type, evaluation.verdict) : undefined;
    if (counted !== undefined) verdicts.results.push({ alarmId: alarm.id, partition: alarm.partition, state: counted });
    deps.telemetry.evaluations.inc({ verdict: evaluation.verdict });
    deps.poison.succeeded(alarm.id);
  } catch (thrown) {
    deps.poison.failed(alarm.id, now, toError(thrown));
  }
}
