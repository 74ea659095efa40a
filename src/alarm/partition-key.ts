import { createHash } from 'node:crypto';

import type { EvaluationOptions } from './evaluation-options.js';
import type { AlarmRule } from './types/index.js';
import { typeOf } from './types/index.js';

/** How many buckets the alarms are spread over. Fixed: the partitions table has one row each. */
export const PARTITIONS = 256;

/**
 * Into how many slots an interval is cut. Partitions whose numbers leave the same remainder share one. Fixed: stored
 * partitions follow from it.
 */
export const PHASES_PER_INTERVAL = 8;

/** Where an alarm is stored, and so who evaluates it and when. */
export interface Placement {
  /** The first question that the alarm asks; its own id if it asks none. */
  queryKey: string;
  partition: number;
}

/**
 * Alarms that can share an answer live in one partition. Those of one mergeGroup, whose questions can share a request, are
 * spread over many partitions, but over such as take their turns together.
 */
export function placementOf(rule: AlarmRule, options: EvaluationOptions, alarmId: string): Placement {
  const queryKey = queryKeyOf(rule, options, alarmId);
  return { queryKey, partition: partitionOf(queryKey, typeOf(rule).mergeGroup?.(rule, options)) };
}

export function queryKeyOf(rule: AlarmRule, options: EvaluationOptions, alarmId: string): string {
  return typeOf(rule).seriesNeeded(rule, options)[0]?.key ?? alarmId;
}

/**
 * The slot follows from the mergeGroup, the place among the partitions of that slot from the key. Who has no mergeGroup is one
 * by itself.
 */
export function partitionOf(queryKey: string, mergeGroup = queryKey): number {
  const own = hash(queryKey) % PARTITIONS;
  return own - (own % PHASES_PER_INTERVAL) + (hash(mergeGroup) % PHASES_PER_INTERVAL);
}

function hash(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}
