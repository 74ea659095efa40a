import type { AlarmRule } from './types/index.js';
import type { AlarmState } from './state.js';
import type { EvaluationOptions } from './evaluation-options.js';
import type { TimeConstraint } from './time-constraint/time-constraint.js';

export const SEVERITIES = ['low', 'moderate', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What becomes of a notification that a newer transition has overtaken; see docs/adr/0006. */
export const DELIVERY_POLICIES = ['current', 'every'] as const;
export type DeliveryPolicy = (typeof DELIVERY_POLICIES)[number];

/**
 * The three lists of an alarm's actions, by the state that sets them off. `null` is kept as clients sent it and means
 * none.
 */
export interface AlarmActions {
  okActions: string[] | null;
  alarmActions: string[] | null;
  insufficientDataActions: string[] | null;
}

export type ActionList = 'ok_actions' | 'alarm_actions' | 'insufficient_data_actions';

export const ACTION_LIST_OF = {
  ok: 'ok_actions',
  alarm: 'alarm_actions',
  'insufficient data': 'insufficient_data_actions',
} as const satisfies Record<AlarmState, ActionList>;

/** What its owner says an alarm is: the part that a PUT replaces. */
export interface AlarmDefinition extends AlarmActions {
  name: string;
  description: string;
  enabled: boolean;
  rule: AlarmRule;
  repeatActions: boolean;
  severity: Severity;
  timeConstraints: TimeConstraint[];
  /** Null: the configured default. Shown to clients only when set, in the alarm's `tocsin` object. */
  deliveryPolicy: DeliveryPolicy | null;
  /** Null: all as in Aodh. Shown to clients only when set, in the alarm's `tocsin` object. */
  evaluationOptions: EvaluationOptions | null;
}

/**
 * An alarm as it is stored. Versions rise by one: `stateVersion` with every write of the state, `definitionVersion`
 * with every PUT and DELETE.
 */
export interface Alarm extends AlarmDefinition {
  id: string;
  projectId: string | null;
  userId: string | null;
  /** Last change of the definition. */
  timestamp: Date;
  state: AlarmState;
  stateVersion: number;
  stateReason: string;
  stateTimestamp: Date;
  definitionVersion: number;
  /**
   * Evaluated as any other, but its actions are not run: an alarm brought over from elsewhere and not yet activated.
   */
  muted: boolean;
  /** When it was last evaluated; its creation time before the first evaluation. */
  evaluateTimestamp: Date;
}
