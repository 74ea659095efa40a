import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { startLocalProcess, unprivilegedAccount, type LocalProcess } from '../../dev/servers/local-process.js';
import { GNOCCHI, PYTHON } from './peer-programs.js';
import { finished, iniOf, saidPort, serving, STOP, TIED_TO_PARENT } from './python-server.js';
import { inTemporaryFolder } from './running-servers.js';
import { unmigratedPostgresUrl } from './run-servers.js';

export interface GnocchiAnswer {
  status: number;
  /** Parsed JSON; undefined for an empty answer. */
  body: unknown;
}

/**
 * A real Gnocchi on loopback. It knows its users by name (`Authorization: Basic`, no password), and `admin` may do
 * everything; or, with `tokens`, it takes `X-Auth-Token: user:project:role`, as if Keystone had vouched for that, and
 * who has the role `admin` may do everything.
 */
export interface RealGnocchi {
  /** Without a slash at its end. */
  url: string;
  /** A request, by an admin, or by another user; with `tokens` by a token. */
  ask(method: string, path: string, options?: { body?: unknown; user?: string }): Promise<GnocchiAnswer>;
  /** Of its running programs, the upgrade before not counted. */
  pids: readonly number[];
  /** Ends it and removes all it had in files. Its database goes with the PostgreSQL of the run. */
  stop(): Promise<void>;
}

export interface StartGnocchiOptions {
  /** Start the process that makes measures readable, too. */
  metricd?: boolean;
  /** Users have projects, as with Keystone. */
  tokens?: boolean;
}

/** The token of an admin of a Gnocchi with `tokens`. */
export const ADMIN_TOKEN = 'admin-user:admin-project:admin';

const PACKAGE = '/usr/lib/python3/dist-packages/gnocchi';
const UPGRADE = 'gnocchi-upgrade';

/** Gnocchi's own WSGI application. It tells users by the headers that Keystone's filter would set. */
const SERVE = `${TIED_TO_PARENT}
from gnocchi.cli.api import wsgi
def vouched(environ, start_response):
    token = environ.get('HTTP_X_AUTH_TOKEN', '').split(':')
    if len(token) == 3:
        for name, value in zip(('HTTP_X_USER_ID', 'HTTP_X_PROJECT_ID', 'HTTP_X_ROLES'), token):
            environ[name] = value
    elif 'HTTP_AUTHORIZATION' not in environ:
        start_response('401 Unauthorized', [])
        return []
    return application(environ, start_response)
application = wsgi()
${serving('vouched')}`;

const PROCESS_MEASURES = `${TIED_TO_PARENT}
from gnocchi.cli.metricd import metricd
sys.argv[0] = 'gnocchi-metricd'
metricd()
`;

/** Starts a Gnocchi, in some ten seconds. Needs the kinds `postgres` and `gnocchi` of `describeWith`. */
export function startGnocchi({ metricd = false, tokens = false }: StartGnocchiOptions = {}): Promise<RealGnocchi> {
  return inTemporaryFolder(async (dir) => {
    const account = unprivilegedAccount('gnocchi');
    for (const folder of [dir, path.join(dir, 'data')]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      if (account) chownSync(folder, account.uid, account.gid);
    }
    const file = path.join(dir, 'gnocchi.conf');
    const pipelines = path.join(dir, 'api-paste.ini');
    writeFileSync(pipelines, withoutKeystone(readFileSync(`${PACKAGE}/rest/api-paste.ini`, 'utf8')), { mode: 0o644 });
    const api = tokens ? { auth_mode: 'keystone', paste_config: pipelines } : BY_NAME;
    writeFileSync(file, configuration(dir, await unmigratedPostgresUrl(), api), { mode: 0o600 });
    for (const each of account ? [file, pipelines] : []) chownSync(each, account!.uid, account!.gid);
    const running: LocalProcess[] = [];
    const run = async (name: string, command: string, args: readonly string[]): Promise<LocalProcess> => {
      const options = {
        name,
        command,
        args: [...args, '--config-file', file],
        logFile: path.join(dir, `${name}.log`),
        account,
      };
      const started = await startLocalProcess(options);
      running.push(started);
      return started;
    };
    const stop = async (): Promise<void> => void (await Promise.all(running.map((each) => each.stop(STOP))));
    try {
      await finished(await run(UPGRADE, GNOCCHI.find() ?? UPGRADE, ['--sacks-number', '4']), UPGRADE);
      if (metricd) await run('gnocchi-metricd', PYTHON, ['-I', '-c', PROCESS_MEASURES]);
      const url = `http://127.0.0.1:${await saidPort(await run('gnocchi-api', PYTHON, ['-I', '-c', SERVE]))}`;
      const ask: RealGnocchi['ask'] = (method, target, { body, user } = {}) =>
        send(method, url + target, {
          body,
          headers: tokens ? { 'x-auth-token': user ?? ADMIN_TOKEN } : named(user ?? 'admin'),
        });
      const pids = running.filter((each) => !each.hasExited()).map(({ pid }) => pid);
      return { url, ask, pids, stop };
    } catch (cause) {
      await stop();
      throw cause;
    }
  });
}

const BY_NAME = { auth_mode: 'basic', paste_config: `${PACKAGE}/rest/api-paste.ini` };

/** Who asks is said by headers that Keystone's filter would set; here `vouched` does. */
function withoutKeystone(pipelines: string): string {
  return pipelines.replace('pipeline = keystone_authtoken gnocchiv1', 'pipeline = gnocchiv1');
}

/**
 * Everything in one folder, nothing of /etc. One worker that looks for new measures all the time, because tests wait
 * for it.
 */
function configuration(dir: string, postgresUrl: string, api: typeof BY_NAME): string {
  const sections = {
    DEFAULT: { parallel_operations: '1', coordination_url: `file://${path.join(dir, 'data', 'coordination')}` },
    api,
    oslo_policy: { policy_file: `${PACKAGE}/rest/policy.yaml` },
    indexer: { url: postgresUrl.replace(/^postgres:/, 'postgresql:') },
    storage: { driver: 'file', file_basepath: path.join(dir, 'data') },
    metricd: { workers: '1', metric_processing_delay: '1', metric_reporting_delay: '-1' },
  };
  return iniOf(sections);
}

function named(user: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:`).toString('base64')}` };
}

async function send(
  method: string,
  url: string,
  { body, headers }: { body: unknown; headers: Record<string, string> },
) {
  const response = await fetch(url, {
    method,
    // A DELETE has no answer that could be JSON, and is refused (406) to those who take nothing else.
    headers: {
      accept: method === 'DELETE' ? '*/*' : 'application/json',
      ...headers,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
}
