import { z } from 'zod';

/** Outcome of the import of one alarm. */
export const ImportAnswer = z.strictObject({
  alarm_id: z.string(),
  name: z.string(),
  outcome: z.enum(['created', 'updated', 'unchanged', 'active', 'deleted', 'refused']),
  reason: z.string().optional(),
  not_copied: z.array(z.strictObject({ list: z.string(), action: z.string() })),
});
export type ImportAnswer = z.infer<typeof ImportAnswer>;

/** Ids of activated alarms. */
export const ActivationAnswer = z.strictObject({ activated: z.array(z.string()) });
export type ActivationAnswer = z.infer<typeof ActivationAnswer>;
