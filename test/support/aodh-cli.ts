import { afterAll } from '@jest/globals';
import { tmpdir } from 'node:os';

import { startAodhLauncher, type AodhLauncher } from './aodh-launcher.js';
import type { Login } from './keystone.js';

let launcher: AodhLauncher | undefined;
afterAll(async () => {
  await launcher?.stop();
  launcher = undefined;
});

export interface CommandResult {
  /** Null when it took too long and was ended. */
  code: number | null;
  /** What it printed, parsed; undefined when it printed nothing. It is for the test to know its form. */
  json: unknown;
  stderr: string;
}

export type Environment = Readonly<Record<string, string>>;

/** Runs the real `aodh` command, asking for JSON. Only this environment and the PATH reach it. */
export function runAodh(args: readonly string[], environment: Environment): Promise<CommandResult> {
  return run('aodh', args, environment);
}

/** The same commands as a part of `openstack`, and the only way to those for quotas. */
export function runOpenstack(args: readonly string[], environment: Environment): Promise<CommandResult> {
  return run('openstack', args, environment);
}

export interface NoauthCaller {
  user?: string;
  project?: string;
  /** As in the header: comma separated. */
  roles?: string;
}

/**
 * The environment in which both commands say who they are without asking anybody. The one reads AODH_*, the other OS_*.
 */
export function noauthEnvironment(
  endpoint: string,
  { user = 'u1', project = 'p1', roles = 'member,reader' }: NoauthCaller = {},
): Environment {
  const settings = { USER_ID: user, PROJECT_ID: project, ROLES: roles, AODH_ENDPOINT: endpoint };
  const named = ['AODH', 'OS'].flatMap((prefix) =>
    Object.entries(settings).map(([name, value]) => [`${prefix}_${name}`, value]),
  );
  return { OS_AUTH_TYPE: 'aodh-noauth', ...(Object.fromEntries(named) as Environment) };
}

/** The environment in which they log in at a Keystone and find the service of type `alarming` in its catalogue. */
export function keystoneEnvironment(authUrl: string, { user, password, project }: Login): Environment {
  return {
    OS_AUTH_TYPE: 'password',
    OS_AUTH_URL: authUrl,
    OS_USERNAME: user,
    OS_PASSWORD: password,
    OS_PROJECT_NAME: project,
    OS_USER_DOMAIN_ID: 'default',
    OS_PROJECT_DOMAIN_ID: 'default',
    OS_IDENTITY_API_VERSION: '3',
  };
}

/** The environment in which `aodh` uses a token that it already has, wherever it comes from. */
export function tokenEnvironment(endpoint: string, token: string): Environment {
  return { OS_AUTH_TYPE: 'admin_token', OS_TOKEN: token, OS_ENDPOINT: endpoint, AODH_ENDPOINT: endpoint };
}

async function run(
  program: 'aodh' | 'openstack',
  args: readonly string[],
  environment: Environment,
): Promise<CommandResult> {
  const asJson = args.includes('delete') ? [] : ['-f', 'json']; // a deletion prints nothing and knows no formats
  launcher ??= startAodhLauncher();
  const { code, stdout, stderr } = await launcher.run({
    program,
    args: [...args, ...asJson],
    // The commands look for settings of the machine's user below HOME.
    environment: { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), LANG: 'C.UTF-8', ...environment },
  });
  return { code, json: parsed(stdout), stderr };
}

/** Words that are no JSON are given as they are: a test that expects JSON shows them then. */
function parsed(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
