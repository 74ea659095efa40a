import type { DatasourceKind } from '../../alarm/series.js';
import type { AlarmRule } from '../../alarm/types/index.js';
import type { RuleAuthor } from '../../api/ports.js';
import type { Clock } from '../../clock.js';
import type { Config } from '../../config/schema.js';
import type { BackendObserver } from '../../datasource/datasource.js';
import type { NamedDatasources } from '../../datasource/registry.js';
import type { KeystoneSession } from '../../keystone/session.js';
import type { ReleaseStack } from '../../release-stack.js';
import type { Database } from '../../storage/database.js';

/**
 * One kind of backend: all that the program knows about it outside of its datasource. The section of the configuration
 * has the name of the kind. If the section has `others`, there can be several backends of the kind, with names.
 */
export interface BackendKind<Kind extends DatasourceKind> {
  /** Text for the terminal. Absent: the kind. */
  readonly title?: string;
  /** Names of the configured backends; null is the default one. */
  names(config: Config): readonly (string | null)[];
  /** All configured backends. Sends no request yet. @throws StartupError for settings that cannot work. */
  open(deps: BackendDeps): NamedDatasources<Kind>;
  /** The checks of rules, by the name of the backend. Absent: backends of this kind check no rules. */
  openRuleChecks?(deps: RuleCheckDeps): ReadonlyMap<string | null, RuleCheck>;
  /** Why only admins may use backends of this kind; undefined if others may use one. Absent: others may. */
  reservedFor?(config: Config): string | undefined;
}

/** Dependencies of backends. */
export interface BackendDeps {
  config: Config;
  db: Database;
  /** Undefined if Keystone is not configured. */
  keystone: KeystoneSession | undefined;
  clock: Pick<Clock, 'monotonicMs'>;
  observerOf: (name: string | null) => BackendObserver;
}

/** The parts of Keystone that checks of rules need. */
export type KeystoneAccess = Pick<KeystoneSession, 'token' | 'renew' | 'projectId'>;

/** Dependencies of the checks of rules. */
export interface RuleCheckDeps {
  config: Config;
  clock: Pick<Clock, 'monotonicMs'>;
  resources: Pick<ReleaseStack, 'push'>;
  /** Undefined if Keystone is not configured. */
  keystone: KeystoneAccess | undefined;
}

/**
 * Checks a rule at one backend. Resolves to the reason why the rule was not checked, as a clause whose subject is the
 * backend. Rules that do not use the backend pass.
 * @throws AppError if the backend refuses the rule, or if the author may not see the data that it names.
 */
export type RuleCheck = (rule: AlarmRule, author: RuleAuthor) => Promise<string | undefined>;

/** Opens something for each backend. The result has the same names. */
export function openEach<Settings, Opened>(
  backends: ReadonlyMap<string | null, Settings>,
  open: (settings: Settings, name: string | null) => Opened,
): ReadonlyMap<string | null, Opened> {
  return new Map([...backends].map(([name, settings]) => [name, open(settings, name)]));
}
