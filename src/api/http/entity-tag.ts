import { AppError } from '../../errors.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-store.js';

/**
 * An alarm's version as `ETag` shows it: it changes with every edit and with every change of state, since a PUT
 * replaces both.
 */
export function versionOf({
  definitionVersion,
  stateVersion,
}: Pick<StoredAlarm, 'definitionVersion' | 'stateVersion'>): string {
  return `"${definitionVersion}-${stateVersion}"`;
}

/** @throws AppError `precondition_failed` when the client named versions and this is none of them. */
export function refuseOtherVersion(current: StoredAlarm, { ifMatch }: { ifMatch: string | undefined }): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const version = versionOf(current);
  if (ifMatch.split(',').some((tag) => tag.trim() === version)) return;
  throw new AppError(
    'precondition_failed',
    `Alarm ${current.id} has changed: If-Match is ${ifMatch}, the alarm is at ${version}`,
  );
}
