import { z } from 'zod';

import { AppError } from '../errors.js';
import type { KeystoneClient } from './client.js';

/** The name and the password of a user at Keystone. */
export interface UserLogin {
  name: string;
  password: string;
  /** Name of the domain of both the user and the project. */
  domain: string;
  /** Name of the project. Undefined: the user's default project in Keystone, if there is one. */
  project: string | undefined;
}

/** Statuses with which Keystone refuses a login. It tells a wrong name, password or project by none of them. */
const REFUSED = new Set([400, 401, 403, 404]);
const TokenId = z.string().regex(/^[\x21-\x7e]+$/);

/**
 * Gets a token with a user's own credentials. Neither is kept. Null: Keystone refuses the login. The request is sent
 * once, since Keystone may count failed logins.
 * @throws AppError `unavailable` without a usable answer.
 */
export async function userToken(
  { request }: Pick<KeystoneClient, 'request'>,
  { name, password, domain, project }: UserLogin,
): Promise<string | null> {
  const user = { name, password, domain: { name: domain } };
  const auth = {
    identity: { methods: ['password'], password: { user } },
    ...(project !== undefined && { scope: { project: { name: project, domain: { name: domain } } } }),
  };
  const { status, headers } = await request('POST', '/auth/tokens', { query: { nocatalog: '1' }, body: { auth } });
  if (REFUSED.has(status)) return null;
  const token = TokenId.safeParse(headers['x-subject-token']);
  if (status === 201 && token.success) return token.data;
  const cause = new Error(`Keystone answered ${status} to the login of a user`);
  throw new AppError('unavailable', 'Keystone is not available', { cause });
}
