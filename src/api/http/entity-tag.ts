import { AppError } from '../../errors.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-store.js';
import type { StoredReceiver } from '../../storage/receivers/receiver-store.js';
import type { StoredSilence } from '../../storage/silences/silence-row.js';

/** The `ETag` of an alarm. It changes with every edit and every change of state, since a PUT replaces both. */
export function versionOf({
  definitionVersion,
  stateVersion,
}: Pick<StoredAlarm, 'definitionVersion' | 'stateVersion'>): string {
  return `"${definitionVersion}-${stateVersion}"`;
}

/** The `ETag` of a silence. It changes with every change, and when a user ends the silence. */
export function silenceVersionOf({ revision }: Pick<StoredSilence, 'revision'>): string {
  return `"${revision}"`;
}

/** The `ETag` of a receiver. It changes with every change of the receiver and of its secrets. */
export function receiverVersionOf({ revision }: Pick<StoredReceiver, 'revision'>): string {
  return `"${revision}"`;
}

/** The header `If-Match`: the versions that the client is willing to change. */
interface WantedVersion {
  ifMatch: string | undefined;
}

/** Checks `If-Match`. @throws AppError `precondition_failed` if it names versions and not the current one. */
export function refuseOtherVersion(current: StoredAlarm, { ifMatch }: WantedVersion): void {
  const version = versionOf(current);
  if (isWanted(version, ifMatch)) return;
  throw new AppError(
    'precondition_failed',
    `Alarm ${current.id} has changed: If-Match is ${ifMatch}, the alarm is at ${version}`,
  );
}

/** Checks `If-Match`. @throws AppError `precondition_failed` as `refuseOtherVersion`. */
export function refuseOtherSilenceVersion(current: StoredSilence, { ifMatch }: WantedVersion): void {
  const version = silenceVersionOf(current);
  if (isWanted(version, ifMatch)) return;
  throw new AppError(
    'precondition_failed',
    `Silence ${current.id} has changed: If-Match is ${ifMatch}, the silence is at ${version}`,
  );
}

/** Checks `If-Match`. @throws AppError `precondition_failed` as `refuseOtherVersion`. */
export function refuseOtherReceiverVersion(current: StoredReceiver, { ifMatch }: WantedVersion): void {
  const version = receiverVersionOf(current);
  if (isWanted(version, ifMatch)) return;
  throw new AppError(
    'precondition_failed',
    `Receiver ${current.id} has changed: If-Match is ${ifMatch}, the receiver is at ${version}`,
  );
}

function isWanted(version: string, ifMatch: string | undefined): boolean {
  return ifMatch === undefined || ifMatch.trim() === '*' || ifMatch.split(',').some((tag) => tag.trim() === version);
}
