import { z } from 'zod';

import { ROLES } from '../../role.js';
import type { ApiKey } from '../../storage/secrets/api-key-store.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { UtcTimestamp } from './answer-fields.js';

/** An API key without its secret, which is not stored. */
export const ApiKeyAnswer = z
  .strictObject({
    id: z.string(),
    project_id: z.string(),
    user_id: z.string(),
    role: z.enum(ROLES),
    all_projects: z.boolean(),
    description: z.string(),
    created_by: z.string(),
    created_at: UtcTimestamp,
    expires_at: UtcTimestamp.nullable(),
    revoked_at: UtcTimestamp.nullable(),
    last_used_at: UtcTimestamp.nullable(),
  })
  .meta({ id: 'ApiKey' });
export type ApiKeyAnswer = z.infer<typeof ApiKeyAnswer>;

/** A new API key with its secret. */
export const NewApiKeyAnswer = z.strictObject({
  key: z.string().meta({ description: 'The key. Only this answer shows it.' }),
  ...ApiKeyAnswer.shape,
});
export type NewApiKeyAnswer = z.infer<typeof NewApiKeyAnswer>;

/** The answer about an API key. */
export function apiKeyAnswer(key: ApiKey): ApiKeyAnswer {
  return {
    id: key.id,
    project_id: key.projectId,
    user_id: key.userId,
    role: key.role,
    all_projects: key.allProjects,
    description: key.description,
    created_by: key.createdBy,
    created_at: utcTimestamp(key.createdAt),
    expires_at: key.expiresAt && utcTimestamp(key.expiresAt),
    revoked_at: key.revokedAt && utcTimestamp(key.revokedAt),
    last_used_at: key.lastUsedAt && utcTimestamp(key.lastUsedAt),
  };
}
