import { z } from 'zod';

import { AnyJson } from './answer-fields.js';

/** An error in Aodh's form. */
export const ErrorAnswer = z
  .strictObject({
    error_message: z.strictObject({
      faultcode: z.enum(['Client', 'Server']),
      faultstring: z.union([z.string(), z.object({}).catchall(AnyJson)]),
      debuginfo: z.null(),
    }),
  })
  .meta({ id: 'Fault', description: 'An error: the reason why the request failed.' });
export type ErrorAnswer = z.infer<typeof ErrorAnswer>;
/** Text, or an object that another service sent. */
export type Faultstring = ErrorAnswer['error_message']['faultstring'];

/** The body of a 401 of Keystone's middleware, which its clients parse. */
export const KeystoneErrorAnswer = z.strictObject({
  error: z.strictObject({ code: z.literal(401), title: z.string(), message: z.string() }),
});
export type KeystoneErrorAnswer = z.infer<typeof KeystoneErrorAnswer>;

/** A 401: an error in Aodh's form or, in the modes with Keystone, the body of Keystone's middleware. */
export const UnauthorizedAnswer = z.union([ErrorAnswer, KeystoneErrorAnswer]);

/** The answer to a request that failed with this HTTP status. */
export function errorAnswer(status: number, faultstring: Faultstring): ErrorAnswer {
  return { error_message: { faultcode: status < 500 ? 'Client' : 'Server', faultstring, debuginfo: null } };
}
