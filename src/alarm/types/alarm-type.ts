import type { z } from 'zod';

import type { Evaluation, Explainer } from '../decide.js';
import type { Series, SeriesNeed } from '../series.js';

/** Whose data an alarm may look at: its project's, or (`null`, for admins' own alarms) everybody's. */
export interface RuleScope {
  projectId: string | null;
}

/** What every kind of alarm provides. One folder per kind; `index.ts` lists them. */
export interface AlarmType<Rule extends { type: string }, Findings> extends Explainer<Findings> {
  /** Parses the `<type>_rule` object of a request, with Aodh's coercions and defaults. */
  readonly schema: z.ZodType<Rule>;
  /** The rule without its `type`, as JSON text with keys in Aodh's order: what is stored and what clients read back. */
  ruleJson(rule: Rule): string;
  /** Aodh's text for an alarm whose owner gave no description. */
  defaultDescription(rule: Rule): string;
  /** Ids of the alarms that this one looks at; empty for kinds that ask a backend. */
  members(rule: Rule): readonly string[];
  /**
   * The rule as it may be stored for this scope.
   * @throws AppError `not_authorized` when the rule names a project outside it.
   */
  scopedTo(rule: Rule, scope: RuleScope): Rule;
  /** What to ask a backend, or undefined for kinds that ask none. */
  seriesNeeded(rule: Rule): SeriesNeed | undefined;
  /** `series` holds the last periods, oldest first, of the window that `seriesNeeded` describes. */
  evaluate(rule: Rule, input: EvaluationInput): Evaluation<Findings>;
}

export interface EvaluationInput {
  series: Series;
  /** State of each member alarm by id; absent when the member is gone. */
  memberStates: ReadonlyMap<string, string>;
}
