import type { AlarmRule } from './types/index.js';
import type { AlarmState } from './state.js';
import type { EvaluationOptions } from './evaluation-options.js';
import type { TimeConstraint } from './time-constraint/time-constraint.js';

export const SEVERITIES = ['low', 'moderate', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What happens to a notification when a newer transition makes it obsolete; see docs/adr/0006. */
export const DELIVERY_POLICIES = ['current', 'every'] as const;
export type DeliveryPolicy = (typeof DELIVERY_POLICIES)[number];

/** The three action lists of an alarm. `null` is stored as clients sent it and means none. */
export interface AlarmActions {
  okActions: string[] | null;
  alarmActions: string[] | null;
  insufficientDataActions: string[] | null;
}

/** The names of the three lists in requests. */
export type ActionList = 'ok_actions' | 'alarm_actions' | 'insufficient_data_actions';

/** The list that a state triggers. */
export const ACTION_LIST_OF = {
  ok: 'ok_actions',
  alarm: 'alarm_actions',
  'insufficient data': 'insufficient_data_actions',
} as const satisfies Record<AlarmState, ActionList>;

/** The part of an alarm that its owner defines and a PUT replaces. */
export interface AlarmDefinition extends AlarmActions {
  name: string;
  description: string;
  enabled: boolean;
  rule: AlarmRule;
  repeatActions: boolean;
  severity: Severity;
  timeConstraints: TimeConstraint[];
  /** Null means the configured default. Clients see it only if set, in the alarm's `tocsin` object. */
  deliveryPolicy: DeliveryPolicy | null;
  /** Null means all as in Aodh. Clients see them only if set, in the alarm's `tocsin` object. */
  evaluationOptions: EvaluationOptions | null;
}

/**
 * A stored alarm. `stateVersion` rises by one with every write of the state, `definitionVersion` with every PUT and
 * DELETE.
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
  /** The alarm is evaluated, but its actions are not run. For imported alarms that are not activated yet. */
  muted: boolean;
  /** The last evaluation; the creation time before the first one. */
  evaluateTimestamp: Date;
}
