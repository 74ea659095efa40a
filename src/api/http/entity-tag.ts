import { AppError } from '../../errors.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-store.js';

/** The `ETag` of an alarm. It changes with every edit and every change of state, since a PUT replaces both. */
export function versionOf({
  definitionVersion,
  stateVersion,
}: Pick<StoredAlarm, 'definitionVersion' | 'stateVersion'>): string {
  return `"${definitionVersion}-${stateVersion}"`;
}

/** Checks `If-Match`. @throws AppError `precondition_failed` if it names versions and not the current one. */
export function refuseOtherVersion(current: StoredAlarm, { ifMatch }: { ifMatch: string | undefined }): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const version = versionOf(current);
  if (ifMatch.split(',').some((tag) => tag.trim() === version)) return;
  throw new AppError(
    'precondition_failed',
    `Alarm ${current.id} has changed: If-Match is ${ifMatch}, the alarm is at ${version}`,
  );
}
