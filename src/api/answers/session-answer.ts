import { z } from 'zod';

import type { AuthMode } from '../../config/schema.js';
import { ROLES } from '../../role.js';
import { isAdmin } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { NullableText, UtcTimestamp } from './answer-fields.js';

const MODES = ['noauth', 'apikey', 'keystone', 'keystone+apikey'] as const satisfies readonly AuthMode[];

/** The caller of a request. */
export const SessionAnswer = z
  .strictObject({
    auth_mode: z.enum(MODES),
    user_id: NullableText,
    user_name: NullableText.meta({ description: 'Null if the credential has only the id of the user.' }),
    project_id: NullableText,
    project_name: NullableText,
    role: z.enum(ROLES).nullable().meta({ description: 'The highest role. Each role includes those before it.' }),
    all_projects: z.boolean().meta({ description: 'True for an admin of all projects.' }),
    api_key_id: NullableText,
    has_session: z.boolean().meta({ description: 'False if the request has credentials of its own, and in noauth.' }),
    ends_at: UtcTimestamp.nullable().meta({ description: 'When the session or the credential ends; null: never.' }),
  })
  .meta({ id: 'Session' });
export type SessionAnswer = z.infer<typeof SessionAnswer>;

/** The answer about the caller of a request. */
export function sessionAnswer(authMode: AuthMode, identity: Identity): SessionAnswer {
  const { userId, projectId, names, role, apiKey, session, expiresAt } = identity;
  const endsAt = session?.endsAt ?? expiresAt;
  return {
    auth_mode: authMode,
    user_id: userId,
    user_name: names?.user ?? null,
    project_id: projectId,
    project_name: names?.project ?? null,
    role,
    all_projects: isAdmin(identity),
    api_key_id: apiKey?.id ?? null,
    has_session: session !== undefined,
    ends_at: endsAt ? utcTimestamp(endsAt) : null,
  };
}
