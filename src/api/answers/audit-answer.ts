import { z } from 'zod';

import { AUDIT_OUTCOMES, type AuditEntry } from '../../storage/audit/audit-entry.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { NullableText, UtcTimestamp } from './answer-fields.js';

/** An entry of the audit trail. */
export const AuditAnswer = z
  .strictObject({
    id: z.string(),
    at: UtcTimestamp,
    action: z.string().meta({ description: 'Type of the object and verb, such as alarm.create.' }),
    outcome: z.enum(AUDIT_OUTCOMES),
    status: z.int().nullable().meta({ description: 'HTTP status of the answer; null outside of the API.' }),
    count: z.int().meta({ description: 'Number of alike requests that the entry stands for.' }),
    request_id: NullableText,
    project_id: NullableText.meta({ description: 'Project of the object, otherwise of the actor; *: all projects.' }),
    object_id: NullableText,
    changed: z.array(z.string()).nullable().meta({ description: 'Names of changed fields.' }),
    actor: z.strictObject({
      user_id: NullableText,
      project_id: NullableText,
      roles: z.array(z.string()),
      api_key_id: NullableText,
      all_projects_key: z.boolean().meta({ description: 'True for an API key that is valid for all projects.' }),
      address: NullableText.meta({ description: 'Shown to admins, and to the project of the actor.' }),
    }),
  })
  .meta({ id: 'AuditEntry' });
export type AuditAnswer = z.infer<typeof AuditAnswer>;

/** The answer about an entry. `reader` is the project of a reader who sees one project only; null: all projects. */
export function auditAnswer(entry: AuditEntry, reader: string | null): AuditAnswer {
  const isAddressShown = reader === null || entry.actorProjectId === reader;
  return {
    id: entry.id,
    at: utcTimestamp(entry.at),
    action: entry.action,
    outcome: entry.outcome,
    status: entry.status,
    count: entry.count,
    request_id: entry.requestId,
    project_id: entry.projectId,
    object_id: entry.objectId,
    changed: entry.changed && [...entry.changed],
    actor: {
      user_id: entry.userId,
      project_id: entry.actorProjectId,
      roles: [...entry.roles],
      api_key_id: entry.keyId,
      all_projects_key: entry.allProjectsKey,
      address: isAddressShown ? entry.address : null,
    },
  };
}
