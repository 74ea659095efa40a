import { createHash } from 'node:crypto';

import type { EvaluationOptions } from './evaluation-options.js';
import type { AlarmRule } from './types/index.js';
import { typeOf } from './types/index.js';

/** How many buckets the alarms are spread over. Fixed: the partitions table has one row each. */
export const PARTITIONS = 256;

/** What an alarm's partition is made from: the first question it asks, so that alarms that share an answer live together; else its own id. */
export function queryKeyOf(rule: AlarmRule, options: EvaluationOptions, alarmId: string): string {
  return typeOf(rule).seriesNeeded(rule, options)[0]?.key ?? alarmId;
}

export function partitionOf(queryKey: string): number {
  return createHash('sha256').update(queryKey).digest().readUInt32BE(0) % PARTITIONS;
}
