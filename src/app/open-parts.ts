import { openServiceAudit } from './audit.js';
import type { AuditRecorder } from '../api/audit/audit-recorder.js';
import { openEgress } from './egress.js';
import { openCoordinationDatabase, openDatabase } from './open-database.js';
import { openKeystone } from './open-keystone.js';
import { openRedis, type CoordinationRedis } from './open-redis.js';
import { lacksKey, openSealer } from './open-sealer.js';
import { warnOfPlainPasswords } from './plain-passwords.js';
import { synchroniseClock } from './time-keeper.js';
import type { EgressGuard } from '../egress/egress-guard.js';
import { createSystemClock, type ServiceClock } from '../clock.js';
import type { Config } from '../config/schema.js';
import type { KeystoneSession } from '../keystone/session.js';
import { createLogger, type Logger } from '../logger.js';
import { ReleaseStack } from '../release-stack.js';
import type { Database } from '../storage/database.js';
import type { Sealer } from '../storage/secrets/sealed.js';
import { databaseTime } from '../storage/engine/database-time.js';
import { createTelemetry, type Telemetry } from '../telemetry.js';

/** Version and process id of the running program. */
export interface Program {
  version: string;
  pid: number;
}

/** Replacements of clock and log, for tests. */
export interface Overrides {
  clock?: ServiceClock;
  log?: Logger;
}

/** The parts that all roles share, opened once a process. */
export interface Parts {
  config: Config;
  program: Program;
  log: Logger;
  clock: ServiceClock;
  db: Database;
  sealer: Sealer;
  coordinationDb: Database;
  redis: CoordinationRedis | undefined;
  /** The login of this service at Keystone; undefined if Keystone is not configured. */
  keystone: KeystoneSession | undefined;
  /** Decides which addresses of users are called. */
  egress: EgressGuard;
  resources: ReleaseStack;
  telemetry: Telemetry;
  audit: AuditRecorder;
  failedLock: Promise<Error>;
}

/** Opens what all roles share. What was opened is released if a later step rejects. */
export async function openParts(config: Config, program: Program, overrides: Overrides): Promise<Parts> {
  const resources = new ReleaseStack();
  const log = overrides.log ?? createLogger(config.log.level);
  const clock = overrides.clock ?? createSystemClock();
  try {
    let lockLost: (cause: Error) => void = () => undefined;
    const failedLock = new Promise<Error>((resolve) => (lockLost = resolve));
    const db = await openDatabase(config, { log, resources, onLockLost: (cause) => lockLost(cause) });
    await synchroniseClock(clock, () => databaseTime(db));
    const isEvaluator = config.roles.includes('evaluator');
    const coordinationDb = isEvaluator ? await openCoordinationDatabase(config, db, { log, resources }) : db;
    await warnOfPlainPasswords(config, log);
    if (lacksKey(config))
      log.warn('secrets.key is not set: passwords and tokens in action URLs are stored unencrypted in PostgreSQL');
    const redis = await openRedis(config, log, resources);
    const keystone = openKeystone(config, { clock, log: log.child({ component: 'keystone' }) });
    const telemetry = createTelemetry();
    const { version } = program;
    telemetry.buildInfo.set({ version, roles: config.roles.join('+') }, 1);
    return {
      config,
      program,
      log,
      clock,
      db,
      sealer: openSealer(config),
      coordinationDb,
      redis,
      keystone,
      egress: await openEgress({ config, keystone, clock, log }),
      resources,
      telemetry,
      audit: await openServiceAudit({ config, db, clock, log, telemetry, resources }),
      failedLock,
    };
  } catch (cause) {
    await resources.release(); // a half-built app must not keep its connections
    throw cause;
  }
}
