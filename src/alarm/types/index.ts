import type { AlarmType } from './alarm-type.js';
import { combination } from './combination/index.js';
import type { CombinationRule } from './combination/schema.js';
import { event } from './event/index.js';
import type { EventRule } from './event/schema.js';
import { threshold } from './threshold/index.js';
import type { ThresholdRule } from './threshold/schema.js';

export type AlarmRule = ThresholdRule | CombinationRule | EventRule;
export type AlarmKind = AlarmRule['type'];

/** Every kind of alarm, one line each; the compiler notices a missing one. */
export const alarmTypes = {
  threshold,
  combination,
  event,
} satisfies { [Kind in AlarmKind]: Pick<AlarmType<Extract<AlarmRule, { type: Kind }>, unknown>, 'schema' | 'ruleJson'> };

export const ALARM_KINDS = Object.keys(alarmTypes) as AlarmKind[];

/** The kind of a rule, seen as one that takes any rule: the registry guarantees that the two belong together. */
export function typeOf(rule: AlarmRule): AlarmType<AlarmRule, unknown> {
  return alarmTypes[rule.type];
}

/** A stored rule back as a value. `ruleJson` was written by the kind itself, so it needs no second validation. */
export function parseStoredRule(kind: AlarmKind, ruleJson: string): AlarmRule {
  return { ...(JSON.parse(ruleJson) as object), type: kind } as AlarmRule;
}
