import { expect } from '@jest/globals';
import { rmSync } from 'node:fs';

import { noauthEnvironment, runAodh, runOpenstack, type CommandResult, type NoauthCaller } from './aodh-cli.js';
import { migratedDataDirectory } from './data-directory.js';
import { eventually } from './eventually.js';
import { startReceiver, type Receiver } from './receiver-server.js';
import { freePort, startService } from './service-process.js';

/** Each project has its own tests: what one creates, another does not list. */
export const ADMIN: NoauthCaller = { user: 'root', project: 'ops', roles: 'admin' };
export const THRESHOLD = ['--type', 'threshold', '--meter-name', 'cpu', '--threshold', '80'];
/** So that no evaluation changes the state of an alarm meanwhile. */
export const DISABLED = ['--enabled', 'False'];
export const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';

export type Json = Record<string, unknown>;

interface Request {
  project?: string;
  body?: unknown;
}

/** A service on the embedded database, the commands that ask it, and a receiver of its calls. */
export interface AodhRig {
  receiver: Receiver;
  aodh(args: readonly string[], caller?: NoauthCaller): Promise<CommandResult>;
  openstack(args: readonly string[], caller?: NoauthCaller): Promise<CommandResult>;
  /** Asks the same service without the command line between. @throws for an answer that is no success. */
  ask(method: string, target: string, request?: Request): Promise<string>;
  stored(id: unknown, project?: string): Promise<Json>;
  /** Makes an alarm without the command line, which is slow; nothing evaluates the alarm. Resolves to its id. */
  given(fields: Json & { name: string }, project?: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startAodhRig(): Promise<AodhRig> {
  const dir = migratedDataDirectory();
  const receiver = await startReceiver();
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const service = startService({ DATABASE_DATA_DIR: dir, API_PORT: String(port), EVALUATOR_INTERVAL: '1s' });
  const stop = async (): Promise<void> => {
    await service.kill();
    await receiver.close();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await eventually(async () => {
      const answer = await fetch(`${endpoint}/readyz`).catch(() => undefined);
      if (answer?.ok !== true) throw new Error(`not ready: ${service.log()}`);
    });
  } catch (cause) {
    await stop();
    throw cause;
  }
  return {
    ...requestsTo(endpoint),
    receiver,
    aodh: (args, caller) => runAodh(args, noauthEnvironment(endpoint, caller)),
    openstack: (args, caller) => runOpenstack(args, noauthEnvironment(endpoint, caller)),
    stop,
  };
}

function requestsTo(endpoint: string): Pick<AodhRig, 'ask' | 'stored' | 'given'> {
  const ask: AodhRig['ask'] = async (method, target, { project = 'p1', body } = {}) => {
    const headers = {
      'x-user-id': 'u1',
      'x-project-id': project,
      'x-roles': 'member,reader',
      'content-type': 'application/json',
    };
    const response = await fetch(endpoint + target, {
      method,
      headers,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${target}: ${response.status} ${text}`);
    return text;
  };
  return {
    ask,
    stored: async (id, project) =>
      JSON.parse(await ask('GET', `/v2/alarms/${String(id)}`, project ? { project } : {})) as Json,
    given: async (fields, project) => {
      const body = {
        type: 'threshold',
        enabled: false,
        threshold_rule: { meter_name: 'cpu', threshold: 80 },
        ...fields,
      };
      const text = await ask('POST', '/v2/alarms', { body, ...(project ? { project } : {}) });
      return (JSON.parse(text) as { alarm_id: string }).alarm_id;
    },
  };
}

/** What the command printed; it must have succeeded. */
export async function printed<T = Json>(answer: Promise<CommandResult>): Promise<T> {
  const { code, json, stderr } = await answer;
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return json as T;
}

/** What the command wrote to standard error; it must have failed. */
export async function refusal(answer: Promise<CommandResult>): Promise<string> {
  const { code, stderr } = await answer;
  expect(code).not.toBe(0);
  return stderr;
}

export function names(alarms: { name: string }[]): string[] {
  return alarms.map(({ name }) => name);
}
