import { z } from 'zod';

import type { ResultCounts } from '../../storage/evaluation/evaluation-counter-store.js';
import { NullableText } from './answer-fields.js';

/** Numbers of evaluation results. */
export const EvaluationResultsAnswer = z.strictObject({
  evaluation_results: z.array(
    z.strictObject({
      alarm_id: z.string(),
      project_id: NullableText,
      state_counters: z.strictObject({ 'insufficient data': z.int(), ok: z.int(), alarm: z.int() }),
    }),
  ),
});
export type EvaluationResultsAnswer = z.infer<typeof EvaluationResultsAnswer>;

/** The numbers of one alarm: a member of the list. */
export function alarmResults(found: ResultCounts): EvaluationResultsAnswer['evaluation_results'][number] {
  return { alarm_id: found.alarmId, project_id: found.projectId, state_counters: found.counts };
}
