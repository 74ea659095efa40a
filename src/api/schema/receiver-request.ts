import { z } from 'zod';

import { ALL_ORIGINS, originProblem, receiverOriginOf } from '../../alarm/receiver/origin.js';
import { headersProblem } from '../../alarm/receiver/own-headers.js';
import { isSigningSecret } from '../../alarm/receiver/signing-secret.js';
import { given, optional, wireText } from '../../alarm/wire/wire-types.js';

const MAX_ORIGIN = 300;
const MAX_NAME = 255;
const MAX_DESCRIPTION = 2_048;
const MAX_PROJECT = 128;

/** Parses to the origin as `receiverOriginOf` writes it, or to `*`. */
const Origin = wireText({ max: MAX_ORIGIN })
  .superRefine((text, context) => {
    const message = text === ALL_ORIGINS ? undefined : originProblem(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message, input: text });
  })
  .transform((text) => (URL.canParse(text) ? receiverOriginOf(new URL(text)) : text));

/** Headers by name. The messages repeat no value, which may be a secret. */
const Headers = z
  .unknown()
  .superRefine((value, context) => {
    const refuse = (message: string, path: string[] = []): void =>
      context.addIssue({ code: 'custom', message, path, params: { whole: true } });
    const of = (name: string): string => `Invalid input for field/attribute ${name}.`;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return refuse(`${of('headers')} It should be an object: the value of each header by its name.`);
    const problem = headersProblem(value as Record<string, unknown>);
    if (problem) refuse(`${of(problem.name ?? 'headers')} ${problem.message}.`, problem.name ? [problem.name] : []);
  })
  .transform((value) => value as Record<string, string>)
  .meta({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'Headers of webhooks to this receiver. Left out of PUT, they stay; {} removes them.',
  });

const definition = {
  name: optional(wireText({ max: MAX_NAME }), ''),
  description: optional(wireText({ max: MAX_DESCRIPTION }), ''),
  headers: given(Headers),
};

/** The body of POST on receivers. */
export const ReceiverRequest = z.strictObject({
  origin: Origin,
  ...definition,
  /** Admins may name another project. */
  project_id: optional<string | null>(wireText({ max: MAX_PROJECT }), null),
});
export type ReceiverRequest = z.infer<typeof ReceiverRequest>;

/** The body of PUT on a receiver. */
export const ReceiverReplacement = z.strictObject(definition);
export type ReceiverReplacement = z.infer<typeof ReceiverReplacement>;

/** The message does not repeat the value, which may be a secret with a typing error. */
const BAD_SECRET =
  'Invalid input for field/attribute secret. It should be whsec_ and 24 to 64 bytes as base64 with padding; leave it ' +
  'out for a new one.';

const SecretText = z
  .unknown()
  .superRefine((value, context) => {
    if (typeof value === 'string' && isSigningSecret(value)) return;
    context.addIssue({ code: 'custom', message: BAD_SECRET, params: { whole: true } });
  })
  .transform((value) => value as string)
  .meta({ type: 'string', description: 'A secret of your own: whsec_ and 24 to 64 bytes as base64.' });

/** The body of POST on the signing secrets of a receiver. */
export const SigningSecretRequest = z.strictObject({ secret: optional<string | null>(SecretText, null) });
export type SigningSecretRequest = z.infer<typeof SigningSecretRequest>;
