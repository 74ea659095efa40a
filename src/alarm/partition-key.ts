import { createHash } from 'node:crypto';

import type { EvaluationOptions } from './evaluation-options.js';
import type { AlarmRule } from './types/index.js';
import { typeOf } from './types/index.js';

/** The number of partitions. It is fixed: the table `partitions` has one row each. */
export const PARTITIONS = 256;

/**
 * The number of phases of an interval. Partitions whose numbers leave the same remainder have the same phase. It is
 * fixed: the stored partition of an alarm depends on it.
 */
export const PHASES_PER_INTERVAL = 8;

/** The partition of an alarm, which decides the evaluator and the phase of the interval. */
export interface Placement {
  /** The key of the alarm's first query; its own id if it has no query. */
  queryKey: string;
  partition: number;
}

/**
 * Alarms with the same query are placed in one partition. Alarms of one merge group are spread over many partitions of
 * one phase, so that one request can serve them.
 */
export function placementOf(rule: AlarmRule, options: EvaluationOptions, alarmId: string): Placement {
  const queryKey = queryKeyOf(rule, options, alarmId);
  return { queryKey, partition: partitionOf(queryKey, typeOf(rule).mergeGroup?.(rule, options)) };
}

/** The key of the alarm's first query; its own id if it has no query. */
export function queryKeyOf(rule: AlarmRule, options: EvaluationOptions, alarmId: string): string {
  return typeOf(rule).seriesNeeded(rule, options)[0]?.key ?? alarmId;
}

/**
 * The phase depends on the merge group, the partition within the phase on the key. An alarm without a merge group is a
 * group by itself.
 */
export function partitionOf(queryKey: string, mergeGroup = queryKey): number {
  const byKey = hash(queryKey) % PARTITIONS;
  return byKey - (byKey % PHASES_PER_INTERVAL) + (hash(mergeGroup) % PHASES_PER_INTERVAL);
}

function hash(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}
