import type { z } from 'zod';

import type { AlarmState } from '../state.js';
import type { Evaluation, ReasonWriter } from '../decide.js';
import type { EvaluationOptions, OptionProblem } from '../evaluation-options.js';
import type { DatasourceKind, JudgedAnswer, SeriesNeed } from '../series.js';
import type { JudgementListener } from './judged-point.js';

/**
 * The projects under which another service (Ceilometer) creates the metrics of all resources. Undefined or null if
 * unknown.
 */
export interface ExternalOwners {
  /** At the backend of the alarm. */
  externalOwner?: string | null;
  /** At the backends of rules within a composite one, by backend name; null is the default backend. */
  externalOwnersAt?: ReadonlyMap<string | null, string | null>;
}

/** The project whose data an alarm may read. Null means all projects, for alarms of admins. */
export interface RuleScope extends ExternalOwners {
  projectId: string | null;
}

/** The interface of every kind of alarm. One folder per kind; `index.ts` lists them. */
export interface AlarmKindDefinition<Rule extends { type: string }> {
  /**
   * The trigger of a judgement: an evaluation of `series` of a backend or of the states of `members`, or each incoming
   * event.
   */
  readonly judgedBy: 'series' | 'members' | 'events';
  /** Parses the `<type>_rule` object of a request, with Aodh's coercions and defaults. */
  readonly schema: z.ZodType<Rule>;
  /**
   * The stored rule: JSON text without `type`, keys in Aodh's order. Clients read it back unless `shownJson` is given.
   */
  ruleJson(rule: Rule): string;
  /** The rule as clients read it back, for kinds that store more than that. */
  shownJson?(rule: Rule): string;
  /** The rule in the history, for kinds where it differs from what clients read back. */
  historyJson?(rule: Rule): string;
  /**
   * The rule that an update is compared with to find a change. Only for kinds where Aodh does not use the rule in its
   * history.
   */
  historyBeforeJson?(rule: Rule): string;
  /** The rule from the parsed text of `ruleJson`, for kinds where adding `type` is not enough. */
  fromStored?(stored: unknown): Rule;
  /** Aodh's description of an alarm that was created without one. */
  defaultDescription(rule: Rule): string;
  /** Ids of the member alarms; empty for kinds that query a backend. */
  members(rule: Rule): readonly string[];
  /**
   * The rule as it is stored for this scope.
   * @throws AppError `not_authorized` when the rule names a project outside it.
   */
  scopedTo(rule: Rule, scope: RuleScope): Rule;
  /** The backends without which the alarm cannot be judged. */
  backends(rule: Rule): readonly DatasourceKind[];
  /** The data to query, in a fixed order; empty for kinds without a backend. */
  seriesNeeded(rule: Rule, options: EvaluationOptions): readonly SeriesNeed[];
  /**
   * The merge group: alarms of one group have different queries that one request can serve, so they are evaluated in
   * the same phase. Absent for kinds that gain nothing from it. The stored partition depends on it: a change needs a
   * migration.
   */
  mergeGroup?(rule: Rule, options: EvaluationOptions): string | undefined;
  /** The first option that does not fit this rule. */
  optionProblem(rule: Rule, options: EvaluationOptions): OptionProblem | undefined;
}

/** A kind of alarm that evaluators judge, by series or by the states of other alarms. */
export interface AlarmType<Rule extends { type: string }, Findings>
  extends AlarmKindDefinition<Rule>, ReasonWriter<Findings> {
  evaluate(rule: Rule, input: EvaluationInput): Evaluation<Findings>;
}

/** All that a judgement may depend on. */
export interface EvaluationInput {
  /** The answers to `seriesNeeded`, in the same order, each cut to its window. */
  answers: readonly JudgedAnswer[];
  /** The state of each member alarm by id; deleted members are absent. */
  memberStates: ReadonlyMap<string, string>;
  /** The present state of the alarm. */
  state: AlarmState;
  options: EvaluationOptions;
  now: Date;
  listener?: JudgementListener | undefined;
}
