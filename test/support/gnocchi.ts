import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { unprivilegedAccount } from '../../dev/servers/local-process.js';
import { launchGnocchi } from './gnocchi-launcher.js';
import { iniOf } from './python-server.js';
import { unmigratedPostgresUrl, urlOf } from './run-servers.js';
import { inTemporaryFolder } from './running-servers.js';

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
  /** Has the API process the measures that it got for metrics, so that they can be read. Not beside a metricd. */
  process(metrics: readonly string[], aggregation?: string): Promise<void>;
  /** Of its API, and of its metricd. */
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

/** Starts a Gnocchi, on an empty database. Needs the kinds `postgres` and `gnocchi` of `describeWith`. */
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
    const launch = { config: file, log: path.join(dir, 'gnocchi.log'), metricd };
    const { port, pids, stop } = await launchGnocchi(urlOf('gnocchi'), launch);
    const url = `http://127.0.0.1:${port}`;
    const ask: RealGnocchi['ask'] = (method, target, { body, user } = {}) =>
      send(method, url + target, {
        body,
        headers: tokens ? { 'x-auth-token': user ?? ADMIN_TOKEN } : named(user ?? 'admin'),
      });
    return { url, ask, process: (metrics, aggregation) => processed(ask, metrics, aggregation), pids, stop };
  });
}

const BY_NAME = { auth_mode: 'basic', paste_config: `${PACKAGE}/rest/api-paste.ini` };

/** Who asks is said by headers that Keystone's filter would set; here the launcher's `vouched` does. */
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

async function processed(ask: RealGnocchi['ask'], metrics: readonly string[], aggregation = 'mean'): Promise<void> {
  for (const id of metrics) {
    const { status, body } = await ask('GET', `/v1/metric/${id}/measures?refresh=true&aggregation=${aggregation}`);
    if (status !== 200) throw new Error(`not processed: ${status} ${JSON.stringify(body)}`);
  }
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
