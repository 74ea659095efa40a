import { AuditRecorder } from '../api/audit/audit-recorder.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/schema.js';
import type { Logger } from '../logger.js';
import type { ReleaseStack } from '../release-stack.js';
import { UNKNOWN } from '../storage/audit/audit-entry.js';
import { createAuditStore } from '../storage/audit/audit-store.js';
import type { Database } from '../storage/database.js';
import type { Telemetry } from '../telemetry.js';
import { isOpenHost } from './noauth-guard.js';

export interface AuditDeps {
  config: Config;
  db: Database;
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  resources: ReleaseStack;
}

const DAY_MS = 86_400_000;

/** Opens the audit trail for a process, which drops days that are older than `keepDays`. */
export function openAudit(
  { config, db, clock, log, telemetry, resources }: AuditDeps,
  keepDays = Math.ceil(config.audit.keep_for / DAY_MS),
): AuditRecorder {
  const { enabled, log: logsEntries } = config.audit;
  const recorder = new AuditRecorder({
    store: enabled ? createAuditStore(db) : undefined,
    keepDays,
    // The embedded database executes one statement at a time, for all requests: entries share one.
    holdsWriters: db.kind === 'postgres',
    logsEntries,
    clock,
    log: log.child({ component: 'audit' }),
    metrics: telemetry,
  });
  resources.push('audit trail', () => recorder.close());
  return recorder;
}

/** Opens the audit trail of the service. Its first entry names the settings that weaken security, if there are any. */
export async function openServiceAudit(deps: AuditDeps): Promise<AuditRecorder> {
  const recorder = openAudit(deps);
  const changed = await weakSettings(deps.config);
  if (changed.length > 0) recorder.record({ ...UNKNOWN, action: 'service.start', outcome: 'done', changed });
  return recorder;
}

/** Names of the options that are set and accept requests or receivers which Tocsin refuses otherwise. */
async function weakSettings({ roles, api, auth, egress, keystone, notifier }: Config): Promise<string[]> {
  const isExposed =
    roles.includes('api') &&
    auth.mode === 'noauth' &&
    api.i_understand_noauth_is_open &&
    (await isOpenHost(api.host).catch(() => true));
  const settings: Record<string, boolean> = {
    'api.i_understand_noauth_is_open': isExposed,
    'egress.allow_loopback_receivers': egress.allow_loopback_receivers,
    'notifier.trust_actions_over_http': notifier.trust_actions_over_http && keystone.auth_url !== undefined,
  };
  return Object.keys(settings).filter((name) => settings[name]);
}
