import Table from 'cli-table3';

import { generateApiKey } from '../api/identity/api-key-form.js';
import { ROLES } from '../role.js';
import { openDatabase } from '../app/open-database.js';
import { duration } from '../config/duration.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { StartupError, toError } from '../errors.js';
import { createLogger } from '../logger.js';
import { ReleaseStack } from '../release-stack.js';
import { createApiKeyStore, type ApiKey, type ApiKeyStore, type NewApiKey } from '../storage/secrets/api-key-store.js';
import type { Database } from '../storage/database.js';
import { isDirectoryInUse } from '../storage/engine/directory-lock.js';
import { COMMAND_LINE, openCommandAudit, type CommandAudit } from './command-audit.js';
import type { ConfigFlags, Terminal } from './terminal.js';

/** Options of `tocsin apikey create`. */
export interface ApiKeyOptions {
  project?: string;
  user?: string;
  role: string;
  allProjects?: true;
  expiresIn?: string;
  description: string;
}

const MAX_ID = 128;
/** Most keys in a list, as in the API. */
const MAX_LISTED = 1_000;
const EVERYTHING = { roles: ROLES, allProjects: true };

/** `tocsin apikey create`. Prints only the key on standard output, for scripts; all else goes to standard error. */
export async function createApiKeyCommand(
  options: ApiKeyOptions,
  flags: ConfigFlags,
  terminal: Terminal,
): Promise<void> {
  const granted = grantedBy(options);
  const lifeMs = options.expiresIn === undefined ? undefined : milliseconds(options.expiresIn);
  const { key, ...parts } = generateApiKey();
  const { id } = parts;
  await withKeys(flags, terminal, async ({ keys, now, record }) => {
    const expiresAt = lifeMs === undefined ? null : new Date(now.getTime() + lifeMs);
    const userId = options.user ?? `apikey-${id}`;
    await keys.create({ ...parts, ...granted, userId, createdBy: COMMAND_LINE, createdAt: now, expiresAt });
    record({ action: 'api_key.create', outcome: 'done', objectId: id, projectId: granted.projectId });
  });
  terminal.err(`Created key ${id}. It is shown only now:\n`);
  terminal.out(`${key}\n`);
}

/** `tocsin apikey list`. Newest first. */
export async function listApiKeysCommand(
  project: string | undefined,
  flags: ConfigFlags,
  terminal: Terminal,
): Promise<void> {
  await withKeys(flags, terminal, async ({ keys, now }) => {
    const found = await keys.list({ all: true }, { ...EVERYTHING, projectId: project, limit: MAX_LISTED });
    terminal.out(found.length === 0 ? 'No keys.\n' : `${keyTable(found, now)}\n`);
    if (found.length === MAX_LISTED)
      terminal.err(`Only the newest ${MAX_LISTED} keys are shown. Use --project to list those of one project.\n`);
  });
}

/** `tocsin apikey revoke`. All processes refuse the key within five seconds. */
export async function revokeApiKeyCommand(id: string, flags: ConfigFlags, terminal: Terminal): Promise<void> {
  await withKeys(flags, terminal, async ({ keys, now, record }) => {
    const revoked = await keys.revoke({ all: true }, { ...EVERYTHING, id }, now);
    if (!revoked) throw new StartupError(`unknown key ${id}: tocsin apikey list shows all keys`);
    record({ action: 'api_key.revoke', outcome: 'done', objectId: id, projectId: revoked.projectId });
  });
  terminal.out(`Revoked key ${id}.\n`);
}

/** Dependencies of the commands: the keys and the audit trail of the configured database, and the clock. */
interface KeyAdministration extends CommandAudit {
  keys: ApiKeyStore;
}

/** Runs `work`, and then stores its audit entries. */
async function withKeys(
  { config: file, flags }: ConfigFlags,
  terminal: Terminal,
  work: (administration: KeyAdministration) => Promise<void>,
): Promise<void> {
  const { config } = loadConfig({ file, flags, environment: terminal.environment });
  const resources = new ReleaseStack();
  try {
    const db = await open(config, resources);
    const audit = await openCommandAudit({ config, db, log: createLogger(config.log.level), resources });
    await work({ keys: createApiKeyStore(db), ...audit });
  } finally {
    await resources.release();
  }
}

async function open(config: Config, resources: ReleaseStack): Promise<Database> {
  const log = createLogger(config.log.level);
  try {
    return await openDatabase(config, { log, resources, onLockLost: () => undefined });
  } catch (thrown) {
    if (!isDirectoryInUse(thrown)) throw thrown;
    const { host, port } = config.api;
    throw new StartupError(
      `${toError(thrown).message}; use the API of the running service: GET and POST http://${host}:${port}/v1/api-keys, DELETE …/v1/api-keys/<id>`,
      { cause: thrown },
    );
  }
}

function grantedBy(options: ApiKeyOptions): Pick<NewApiKey, 'projectId' | 'role' | 'allProjects' | 'description'> {
  const { allProjects = false, description } = options;
  const role = ROLES.find((known) => known === options.role);
  if (!role) throw new StartupError(`--role: expected one of ${ROLES.join(', ')}, got ${options.role}`);
  if (allProjects && role !== 'admin') throw new StartupError('--all-projects: only for keys of --role admin');
  const projectId = options.project ?? (allProjects ? 'default' : undefined);
  if (projectId === undefined)
    throw new StartupError('--project: required, unless --all-projects is given with --role admin');
  for (const [flag, id] of [['--project', projectId] as const, ['--user', options.user ?? ''] as const]) {
    if (id.length > MAX_ID) throw new StartupError(`${flag}: has more than ${MAX_ID} characters`);
  }
  return { projectId, role, allProjects, description };
}

function milliseconds(text: string): number {
  const parsed = duration('1h', { min: '1s' }).safeParse(text);
  if (parsed.success) return parsed.data;
  throw new StartupError(`--expires-in: ${parsed.error.issues[0]?.message ?? 'not a duration'}, got ${text}`);
}

function keyTable(keys: readonly ApiKey[], now: Date): string {
  const head = ['id', 'project', 'user', 'role', 'state', 'created', 'last used', 'description'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const key of keys) {
    table.push([
      key.id,
      key.allProjects ? `${key.projectId} (all)` : key.projectId,
      key.userId,
      key.role,
      stateOf(key, now),
      minute(key.createdAt),
      key.lastUsedAt ? minute(key.lastUsedAt) : 'never',
      key.description,
    ]);
  }
  return table.toString();
}

function stateOf({ revokedAt, expiresAt }: ApiKey, now: Date): string {
  if (revokedAt) return 'revoked';
  if (!expiresAt) return 'valid';
  return expiresAt <= now ? 'expired' : `valid until ${minute(expiresAt)}`;
}

function minute(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')}Z`;
}
