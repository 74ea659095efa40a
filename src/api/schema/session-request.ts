import { z } from 'zod';

import { optional, textProblem } from '../../alarm/wire/wire-types.js';

const MAX_NAME = 255;
const MAX_SECRET = 8_192;

const orNull = <T>(schema: z.ZodType<T>): z.ZodType<T | null> => optional<T | null>(schema, null);

/** A text that refusals never repeat, since it is, or may be, a secret. */
function unshownText(field: string, max: number): z.ZodType<string> {
  const schema = z.unknown().transform((value, context): string => {
    if (typeof value === 'string' && value !== '' && textProblem(value, { max }) === undefined) return value;
    const expected = `a text of 1 to ${max} characters without control characters`;
    const message = `Invalid input for field/attribute ${field}. Expected ${expected}`;
    context.addIssue({ code: 'custom', message, params: { whole: true }, input: null });
    return z.NEVER;
  });
  return schema.meta({ type: 'string', minLength: 1, maxLength: max });
}

/** The body of a sign-in: an API key, a Keystone token, or a user's name and password at Keystone. */
export const SessionRequest = z
  .strictObject({
    api_key: orNull(unshownText('api_key', MAX_SECRET)),
    token: orNull(unshownText('token', MAX_SECRET)),
    name: orNull(unshownText('name', MAX_NAME)),
    password: orNull(unshownText('password', MAX_SECRET)),
    /** Name of the project. Null: the user's default project. */
    project: orNull(unshownText('project', MAX_NAME)),
    /** Name of the domain of the user and the project. */
    domain: optional(unshownText('domain', MAX_NAME), 'Default'),
  })
  .refine(
    ({ api_key, token, name, password }) =>
      [api_key, token, name ?? password].filter((given) => given !== null).length === 1 &&
      (name === null) === (password === null),
    { message: 'Expected one of: api_key; token; name and password', params: { whole: true } },
  )
  .refine(({ name, project }) => name !== null || project === null, {
    message: 'project is only for name and password: an API key and a token have a project',
    params: { whole: true },
  });
export type SessionRequest = z.infer<typeof SessionRequest>;
