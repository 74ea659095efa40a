import type { z } from 'zod';

import type { AlarmState } from '../state.js';
import type { Evaluation, ReasonWriter } from '../decide.js';
import type { EvaluationOptions, OptionProblem } from '../evaluation-options.js';
import type { BackendAnswer, SeriesNeed } from '../series.js';
import type { JudgementListener } from './judged-point.js';

/**
 * Under which projects another service (Ceilometer) creates the metrics of everybody's resources; undefined or null
 * when unknown.
 */
export interface ExternalOwners {
  /** At the backend that the alarm asks. */
  externalOwner?: string | null;
  /** At each backend that rules within a composite one ask, by its name; null is the default one. */
  externalOwnersAt?: ReadonlyMap<string | null, string | null>;
}

/** Whose data an alarm may look at: its project's, or (`null`, for admins' own alarms) everybody's. */
export interface RuleScope extends ExternalOwners {
  projectId: string | null;
}

/** Services that can be asked about alarms. */
export const BACKENDS = ['meters', 'gnocchi', 'prometheus', 'octavia'] as const;
export type Backend = (typeof BACKENDS)[number];

/** What every kind of alarm provides, judged or not. One folder per kind; `index.ts` lists them. */
export interface AlarmKindDefinition<Rule extends { type: string }> {
  /**
   * What sets off a judgement: an evaluator's turn (`series` of a backend, or the states of other alarms), or each
   * event as it comes in.
   */
  readonly judgedBy: 'series' | 'members' | 'events';
  /** Parses the `<type>_rule` object of a request, with Aodh's coercions and defaults. */
  readonly schema: z.ZodType<Rule>;
  /** The rule without its `type`, as JSON text with keys in Aodh's order: what is stored and what clients read back. */
  ruleJson(rule: Rule): string;
  /** What clients read back, for kinds that store more than that. */
  shownJson?(rule: Rule): string;
  /** What history tells of the rule, where that is more than clients read back. */
  historyJson?(rule: Rule): string;
  /**
   * The rule that an update is compared with to find a change. Only for types where Aodh does not compare with the rule
   * of its history.
   */
  historyBeforeJson?(rule: Rule): string;
  /** What `ruleJson` wrote, parsed, back as a rule; for kinds where that is more than adding the `type`. */
  fromStored?(stored: unknown): Rule;
  /** Aodh's text for an alarm whose owner gave no description. */
  defaultDescription(rule: Rule): string;
  /** Ids of the alarms that this one looks at; empty for kinds that ask a backend. */
  members(rule: Rule): readonly string[];
  /**
   * The rule as it may be stored for this scope.
   * @throws AppError `not_authorized` when the rule names a project outside it.
   */
  scopedTo(rule: Rule, scope: RuleScope): Rule;
  /** The backends without which the alarm cannot be judged. */
  backends(rule: Rule): readonly Backend[];
  /** What to ask backends, in a fixed order; nothing for kinds that ask none. */
  seriesNeeded(rule: Rule, options: EvaluationOptions): readonly SeriesNeed[];
  /**
   * The same for alarms whose questions, though different, one request can ask: they take their turns together. Left
   * out by kinds that gain nothing from it. Stored partitions follow from it, so changing it is a migration.
   */
  mergeGroup?(rule: Rule, options: EvaluationOptions): string | undefined;
  /** The first of the options that makes no sense with this rule. */
  optionProblem(rule: Rule, options: EvaluationOptions): OptionProblem | undefined;
}

/** A kind of alarm that evaluators judge by series, or by other alarms. */
export interface AlarmType<Rule extends { type: string }, Findings>
  extends AlarmKindDefinition<Rule>, ReasonWriter<Findings> {
  evaluate(rule: Rule, input: EvaluationInput): Evaluation<Findings>;
}

export interface EvaluationInput {
  /** To what `seriesNeeded` asks, in the same order, each cut to the window that it describes. */
  answers: readonly BackendAnswer[];
  /** State of each member alarm by id; absent when the member is gone. */
  memberStates: ReadonlyMap<string, string>;
  /** The alarm's present state. */
  state: AlarmState;
  options: EvaluationOptions;
  now: Date;
  listener?: JudgementListener | undefined;
}
