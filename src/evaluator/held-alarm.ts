import type { EvaluationOptions } from '../alarm/evaluation-options.js';
import type { SeriesNeed } from '../alarm/series.js';
import type { AlarmState } from '../alarm/state.js';
import type { OpenTimes } from '../alarm/time-constraint/open-times.js';
import type { AlarmRule } from '../alarm/types/index.js';

/** An alarm in an evaluator's memory. It is kept small: there may be a million. */
export interface HeldAlarm {
  readonly id: string;
  /** One string object for all alarms of a project. */
  readonly projectId: string;
  readonly rule: AlarmRule;
  /** The data that it needs from backends; empty for other kinds. Alarms with equal needs share the objects. */
  readonly needs: readonly SeriesNeed[];
  readonly options: EvaluationOptions;
  readonly repeats: boolean;
  readonly statesWithActions: readonly AlarmState[];
  /** Shared between alarms with the same time constraints. */
  readonly openTimes: OpenTimes;
  readonly partition: number;
  readonly definitionVersion: number;
  state: AlarmState;
  stateVersion: number;
  /**
   * Rises with each evaluation: of two alarms, the one with the lower ticket was evaluated earlier. Undefined before
   * the first ticket is drawn.
   */
  ticket?: number | undefined;
  /**
   * The `state_reason` if an evaluation may replace it without a change of state; null if the last transition wrote it.
   */
  shownReason: string | null;
  /** True once an evaluation of this definition has found the shown reason. */
  isReasonFound: boolean;
}
