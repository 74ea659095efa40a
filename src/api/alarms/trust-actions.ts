import { normaliseAction, trustActionsOf, usesTrust } from '../../alarm/action.js';
import { AppError, toError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-store.js';
import type { SealedTrust, TrustChange } from '../../storage/secrets/trust-store.js';
import type { Identity } from '../identity/identity.js';
import type { AlarmTrusts, Trusts } from '../ports.js';

/** An alarm about to be written, as far as trusts depend on it. */
export type TrustUser = Pick<
  StoredAlarm,
  'id' | 'projectId' | 'ruleJson' | 'okActions' | 'alarmActions' | 'insufficientDataActions'
>;

/** Sees to it that an alarm with `trust+` actions has one Keystone trust, and that no trust outlives its use. */
export interface TrustActions {
  /**
   * Makes the trust that a new alarm needs and hands it to `write`, which stores both or nothing. When `write` fails
   * the trust is removed.
   */
  create(alarm: TrustUser, identity: Identity, write: (trust: SealedTrust | undefined) => Promise<void>): Promise<void>;
  /**
   * The same for a replacement, which keeps the trust it has where it may. Undefined is handed over when nothing
   * changes about trusts.
   */
  replace<T>(
    change: { before: TrustUser; after: TrustUser; at: Date },
    identity: Identity,
    write: (change: TrustChange | undefined) => Promise<T>,
  ): Promise<T>;
  /** To be called when an alarm is gone. Never rejects: the alarm is gone whatever Keystone says. */
  removed(alarm: TrustUser, identity: Identity): Promise<void>;
}

export interface TrustActionsDeps {
  trusts: Trusts;
  alarmTrusts: AlarmTrusts;
  now: () => Date;
  newId: () => string;
  log: Logger;
}

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
 * What is done about trusts is decided before the alarm is locked, from the alarm as it was then.
 * @throws AppError `conflict` when it has been replaced since, and trusts are at stake.
 */
export function refuseChangedMeanwhile(before: StoredAlarm, current: StoredAlarm, next: StoredAlarm): void {
  if (before.definitionVersion !== current.definitionVersion && [before, current, next].some(usesTrust)) {
    throw new AppError('conflict', `Alarm ${current.id} was changed by another request at the same time; try again`);
  }
}

/**
 * A trust lends its maker's rights to the addresses that the maker wrote. Whoever else edits the alarm may leave them
 * as they are; with an address more, or another stack to heal, it must be the editor's own rights. To another project a
 * trust never goes.
 */
function mayKeep(
  trust: SealedTrust,
  { before, after }: { before: TrustUser; after: TrustUser },
  identity: Identity,
): boolean {
  if (trust.projectId !== after.projectId) return false;
  if (identity.token !== undefined && identity.userId === trust.trustorId) return true;
  // Clients write back what they read, and read addresses without an empty authority.
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
  const trustorId = trustorOf(identity);
  const madeOf = (trustId: string) => ({
    id: deps.newId(),
    alarmId: alarm.id,
    projectId: alarm.projectId,
    trustorId,
    trustId,
  });
  const trustId = await deps.trusts.create(identity, (spare) => {
    if (spare !== undefined) void removeUnused(deps, madeOf(spare), identity);
    else
      deps.log.warn('a trust may be left at Keystone: a request for a trust was not answered', {
        alarmId: alarm.id,
        trustorId,
      });
  });
  const made = madeOf(trustId);
  try {
    return await write(deps.alarmTrusts.seal(made));
  } catch (thrown) {
    await undo(deps, made, identity);
    throw thrown;
  }
}

function trustorOf({ userId, projectId, token }: Identity): string {
  if (token === undefined || userId === null || projectId === null) {
    throw new AppError(
      'invalid_request',
      'trust+ actions need a Keystone token of a project: the service acts with rights that it lends',
    );
  }
  return userId;
}

type MadeTrust = Parameters<AlarmTrusts['seal']>[0];

/** Removes a trust whose alarm was not written. */
async function undo(deps: TrustActionsDeps, made: MadeTrust, identity: Identity): Promise<void> {
  const { alarmTrusts, log } = deps;
  const { alarmId } = made;
  try {
    // A commit whose answer was lost may have succeeded, and then its alarm needs the trust.
    if (await alarmTrusts.isKnown(made.id)) return;
  } catch (thrown) {
    log.error('a trust may be left at Keystone: whether its alarm was stored is not known', {
      alarmId,
      err: toError(thrown),
    });
    return;
  }
  await removeUnused(deps, made, identity);
}

/**
 * Removes a trust that no alarm uses. If that fails now, the id is stored and the trust removed later. Never rejects.
 */
async function removeUnused(deps: TrustActionsDeps, made: MadeTrust, identity: Identity): Promise<void> {
  const { trusts, alarmTrusts, now, log } = deps;
  const { alarmId } = made;
  try {
    await trusts.remove(made.trustId, identity);
  } catch (thrown) {
    log.warn('a trust that is not needed could not be removed, it is kept in mind', { alarmId, err: toError(thrown) });
    await alarmTrusts
      .addDiscarded(alarmTrusts.seal(made), now())
      .catch((err: unknown) => log.error('a trust is left at Keystone', { alarmId, err: toError(err) }));
  }
}

/** What stays because Keystone is away is marked in its row, and tried again by whoever tidies up. */
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
    log.warn('a trust that is not needed could not be removed, it is kept in mind', { alarmId, err: toError(thrown) });
  }
}
