import { z } from 'zod';

import { describedInput, optional, wireBool, wireEnum, wireInt, wireText } from '../../alarm/wire/wire-types.js';
import { ROLES } from '../../role.js';

const MAX_ID = 128;
const MAX_DESCRIPTION = 255;
const TEN_YEARS_S = 10 * 366 * 86_400;

const orNull = <T>(schema: z.ZodType<T>): z.ZodType<T | null> => optional<T | null>(schema, null);

const NEVER_ENDS =
  'Keys made through the API end; leave expires_in out for auth.key_lifetime, or use tocsin apikey create';

function keyLifetime() {
  const seconds = wireInt({ min: 1, max: TEN_YEARS_S });
  return z
    .unknown()
    .refine((value): boolean => value !== null, NEVER_ENDS)
    .pipe(seconds)
    .optional()
    .meta(describedInput(seconds));
}

/** The body of POST on API keys. */
export const ApiKeyRequest = z.strictObject({
  role: optional(wireEnum(ROLES), 'member'),
  description: optional(wireText({ max: MAX_DESCRIPTION }), ''),
  /** Seconds from now. Absent: `auth.key_lifetime`. */
  expires_in: keyLifetime(),
  project_id: orNull(wireText({ max: MAX_ID })),
  user_id: orNull(wireText({ max: MAX_ID })),
  all_projects: optional(wireBool(), false),
});
export type ApiKeyRequest = z.infer<typeof ApiKeyRequest>;
