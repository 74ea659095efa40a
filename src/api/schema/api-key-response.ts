import type { PythonValue } from '../../alarm/wire/python-json.js';
import type { ApiKey } from '../../storage/secrets/api-key-store.js';
import { utcTimestamp } from './timestamp.js';

/** A key as JSON, without its secret, which is not stored. */
export function apiKeyResponse(key: ApiKey): { [name: string]: PythonValue } {
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
