import type { Environment } from '../../config/environment.js';

/**
 * The headers with which `tocsin import` authenticates at Aodh. They come from the environment and never from the
 * command line, which every user of the machine can read.
 */
export function aodhHeaders(environment: Environment): Record<string, string> {
  const token = environment['AODH_TOKEN'] || environment['OS_TOKEN'];
  if (token) return { 'x-auth-token': token };
  return {
    'x-user-id': environment['AODH_USER_ID'] || 'admin',
    'x-project-id': environment['AODH_PROJECT_ID'] || 'admin',
    'x-roles': environment['AODH_ROLES'] || 'admin',
  };
}

/** The headers with which `tocsin import` authenticates at Tocsin. */
export function tocsinHeaders(environment: Environment): Record<string, string> {
  const key = environment['TOCSIN_API_KEY'];
  if (key) return { 'x-api-key': key };
  const token = environment['TOCSIN_TOKEN'] || environment['OS_TOKEN'];
  return token ? { 'x-auth-token': token } : {};
}
