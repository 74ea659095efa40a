import { z } from 'zod';

import type { StoredReceiver } from '../../storage/receivers/receiver-store.js';
import type { SigningSecret } from '../../storage/receivers/signing-secret-store.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { NullableText, UtcTimestamp } from './answer-fields.js';

/** A signing secret without the secret itself. */
export const SigningSecretAnswer = z
  .strictObject({
    id: z.string(),
    created_at: UtcTimestamp,
    ends_at: UtcTimestamp.nullable().meta({ description: 'Null: it signs until it is replaced or ended.' }),
  })
  .meta({
    id: 'SigningSecret',
    description: 'A secret that signs webhooks. It is shown when it is made, and never again.',
  });
export type SigningSecretAnswer = z.infer<typeof SigningSecretAnswer>;

/** A new signing secret. */
export const NewSigningSecretAnswer = z.strictObject({
  secret: z.string().meta({ description: 'The secret, as Standard Webhooks writes it. Only this answer shows it.' }),
  ...SigningSecretAnswer.shape,
});
export type NewSigningSecretAnswer = z.infer<typeof NewSigningSecretAnswer>;

/** A receiver. */
export const ReceiverAnswer = z
  .strictObject({
    id: z.string(),
    project_id: z.string(),
    origin: z.string().meta({
      description: 'Scheme, host and port as parsed: lower case, without the default port; * for all receivers.',
    }),
    name: z.string(),
    description: z.string(),
    header_names: z.array(z.string()).meta({
      description: 'Names of the headers that webhooks to this receiver have. Their values are never shown.',
    }),
    secrets: z.array(SigningSecretAnswer).meta({
      description: 'Those that sign now, newest first. Without any, those of the receiver * of the project sign.',
    }),
    created_at: UtcTimestamp,
  })
  .meta({ id: 'Receiver', description: 'The record of a project about its webhooks to one origin.' });
export type ReceiverAnswer = z.infer<typeof ReceiverAnswer>;

/** One page of receivers. */
export const ReceiversAnswer = z
  .strictObject({
    receivers: z.array(ReceiverAnswer),
    next: NullableText.meta({ description: 'The cursor of the next page; null if there is none.' }),
  })
  .meta({ id: 'Receivers' });
export type ReceiversAnswer = z.infer<typeof ReceiversAnswer>;

/** The answer about a receiver. */
export function receiverAnswer(receiver: StoredReceiver): ReceiverAnswer {
  const { id, projectId, origin, name, description, headerNames, secrets, createdAt } = receiver;
  return {
    id,
    project_id: projectId,
    origin,
    name,
    description,
    header_names: headerNames,
    secrets: secrets.map(signingSecretAnswer),
    created_at: utcTimestamp(createdAt),
  };
}

/** The answer about a signing secret. */
export function signingSecretAnswer({ id, createdAt, endsAt }: SigningSecret): SigningSecretAnswer {
  return { id, created_at: utcTimestamp(createdAt), ends_at: endsAt && utcTimestamp(endsAt) };
}
