import { z } from 'zod';

import { QUOTA_RESOURCES, type Quota } from '../../storage/alarms/quota-store.js';

/** The quotas of a project. */
export const QuotasAnswer = z.strictObject({
  project_id: z.string(),
  quotas: z.array(z.strictObject({ resource: z.enum(QUOTA_RESOURCES), limit: z.int().min(-1) })),
});
export type QuotasAnswer = z.infer<typeof QuotasAnswer>;

/** The answer about the quotas of a project. */
export function quotasAnswer(projectId: string, quotas: readonly Quota[]): QuotasAnswer {
  return { project_id: projectId, quotas: quotas.map(({ resource, limit }) => ({ resource, limit })) };
}
