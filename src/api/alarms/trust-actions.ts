import { normaliseAction } from '../../alarm/action-text.js';
import { needsTrust, trustActionsOf, usesTrust } from '../../alarm/action.js';
import { AppError, toError, type BodyPath } from '../../errors.js';
import type { Logger } from '../../logger.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-store.js';
import { DatabaseUnavailable } from '../../storage/engine/outage.js';
import type { SealedTrust, TrustChange } from '../../storage/secrets/trust-store.js';
import type { Identity } from '../identity/identity.js';
import type { AlarmTrusts, Trusts } from '../ports.js';
import { pathOfAction } from './refused-field.js';

/** The fields of an alarm that its trust depends on. */
export type TrustUser = Pick<
  StoredAlarm,
  'id' | 'projectId' | 'ruleJson' | 'okActions' | 'alarmActions' | 'insufficientDataActions'
>;

/** Creates one Keystone trust for each alarm with `trust+` actions, and removes trusts that are not used any more. */
export interface TrustActions {
  /**
   * Creates the trust of a new alarm and passes it to `write`, which stores alarm and trust in one transaction. Removes
   * the trust if `write` fails.
   */
  create<T>(alarm: TrustUser, identity: Identity, write: (trust: SealedTrust | undefined) => Promise<T>): Promise<T>;
  /**
   * The same for a replacement. `write` gets undefined if the alarm keeps its trust or needs none before and after.
   */
  replace<T>(
    change: { before: TrustUser; after: TrustUser; at: Date },
    identity: Identity,
    write: (change: TrustChange | undefined) => Promise<T>,
  ): Promise<T>;
  /** Removes the trust of a deleted alarm. Never rejects: what fails is tried again later. */
  removed(alarm: TrustUser, identity: Identity): Promise<void>;
}

/** Dependencies of the trust actions. */
export interface TrustActionsDeps {
  trusts: Trusts;
  alarmTrusts: AlarmTrusts;
  now: () => Date;
  newId: () => string;
  log: Logger;
}

/** Creates the trust actions of the API. */
export function createTrustActions(deps: TrustActionsDeps): TrustActions {
  const { alarmTrusts } = deps;
  return {
    create: (alarm, identity, write) =>
      usesTrust(alarm) ? withNewTrust(deps, { alarm, identity }, write) : write(undefined),

    async replace({ before, after, at }, identity, write) {
      const wanted = usesTrust(after);
      if (!wanted && !usesTrust(before)) return write(undefined);
      const had = await alarmTrusts.ofAlarm(before.id);
      if (wanted && had && mayKeep(had, { before, after }, identity)) return write(undefined);
      const written = wanted
        ? await withNewTrust(deps, { alarm: after, identity }, (next) => write({ next, at }))
        : await write({ next: null, at });
      if (had) await removeDiscarded(deps, before.id, identity);
      return written;
    },

    removed: async (alarm, identity) => (usesTrust(alarm) ? removeDiscarded(deps, alarm.id, identity) : undefined),
  };
}

/**
 * The change of trusts is decided from the alarm before it is locked.
 * @throws AppError `conflict` if another request has replaced the alarm since then and one of the versions uses a
 * trust.
 */
export function refuseChangedMeanwhile(before: StoredAlarm, current: StoredAlarm, next: StoredAlarm): void {
  if (before.definitionVersion !== current.definitionVersion && [before, current, next].some(usesTrust)) {
    throw new AppError('conflict', `Alarm ${current.id} was changed by another request at the same time; try again`);
  }
}

/**
 * A trust lends its author's rights to the actions that the author wrote. Another user may edit the alarm and keep the
 * trust. For a new trust action, or another stack to heal, the editor must lend own rights instead. An alarm that moves
 * to another project never keeps its trust.
 */
function mayKeep(
  trust: SealedTrust,
  { before, after }: { before: TrustUser; after: TrustUser },
  identity: Identity,
): boolean {
  if (trust.projectId !== after.projectId) return false;
  if (identity.token !== undefined && identity.userId === trust.trustorId) return true;
  // Clients send back the actions that they read, and those are normalised.
  const [old, next] = [before, after].map((alarm) => trustActionsOf(alarm).map(normaliseAction)) as [
    string[],
    string[],
  ];
  const heals = next.some((action) => /^trust\+heat:/i.test(action));
  return next.every((action) => old.includes(action)) && !(heals && before.ruleJson !== after.ruleJson);
}

async function withNewTrust<T>(
  deps: TrustActionsDeps,
  { alarm, identity }: { alarm: TrustUser; identity: Identity },
  write: (trust: SealedTrust) => Promise<T>,
): Promise<T> {
  const place = pathOfAction(alarm, needsTrust);
  const trustorId = trustorOf(identity, place);
  const trustWith = (trustId: string) => ({
    id: deps.newId(),
    alarmId: alarm.id,
    projectId: alarm.projectId,
    trustorId,
    trustId,
  });
  const onSpare = (spare: string | undefined): void => {
    if (spare !== undefined) void removeUnused(deps, trustWith(spare), identity);
    else
      deps.log.warn('a trust may be left at Keystone: no answer to a request that creates one', {
        alarmId: alarm.id,
        trustorId,
      });
  };
  const trustId = await deps.trusts.create(identity, onSpare).catch((thrown: unknown) => {
    throw thrown instanceof AppError && place !== undefined ? thrown.at(place) : thrown;
  });
  const made = trustWith(trustId);
  try {
    return await write(deps.alarmTrusts.seal(made));
  } catch (thrown) {
    await undo(deps, made, { identity, thrown });
    throw thrown;
  }
}

function trustorOf({ userId, projectId, token }: Identity, field: BodyPath | undefined): string {
  if (token === undefined || userId === null || projectId === null) {
    throw new AppError(
      'invalid_request',
      'trust+ actions need a Keystone token of a project: the service acts with rights that it lends',
      field && { field },
    );
  }
  return userId;
}

type MadeTrust = Parameters<AlarmTrusts['seal']>[0];

/** Removes a trust whose alarm was not stored. */
async function undo(
  deps: TrustActionsDeps,
  made: MadeTrust,
  { identity, thrown: cause }: { identity: Identity; thrown: unknown },
): Promise<void> {
  const { alarmTrusts, log } = deps;
  const { alarmId } = made;
  try {
    // If only the answer to the commit was lost, the alarm is stored and needs the trust.
    if (await alarmTrusts.isKnown(made.id)) return;
    // The commit may still be under way.
    if (cause instanceof DatabaseUnavailable && cause.isOutcomeUnknown) throw cause;
  } catch (thrown) {
    log.error('a trust may be left at Keystone: it is unknown whether its alarm was stored', {
      alarmId,
      err: toError(thrown),
    });
    return;
  }
  await removeUnused(deps, made, identity);
}

/** Removes a trust that no alarm uses. If that fails, stores its id to remove it later. Never rejects. */
async function removeUnused(deps: TrustActionsDeps, made: MadeTrust, identity: Identity): Promise<void> {
  const { trusts, alarmTrusts, now, log } = deps;
  const { alarmId } = made;
  try {
    await trusts.remove(made.trustId, identity);
  } catch (thrown) {
    log.warn('could not delete Keystone trust; will retry', { alarmId, err: toError(thrown) });
    await alarmTrusts
      .addDiscarded(alarmTrusts.seal(made), now())
      .catch((err: unknown) =>
        log.error('a Keystone trust is left behind: delete it by hand', { alarmId, err: toError(err) }),
      );
  }
}

/** Removes the discarded trusts of an alarm. If Keystone is unavailable their rows stay, and housekeeping retries. */
async function removeDiscarded(
  { trusts, alarmTrusts, log }: TrustActionsDeps,
  alarmId: string,
  identity: Identity,
): Promise<void> {
  try {
    for (const trust of await alarmTrusts.discarded(alarmId)) {
      await trusts.remove(alarmTrusts.reveal(trust).trustId, identity);
      await alarmTrusts.forget(trust.id);
    }
  } catch (thrown) {
    log.warn('could not delete Keystone trust; will retry', { alarmId, err: toError(thrown) });
  }
}
