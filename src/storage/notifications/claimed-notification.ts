import type { NotificationKind } from '../../alarm/notification.js';
import type { StoredAction } from '../../alarm/stored-action.js';
import type { Sealer } from '../secrets/sealed.js';
import { openAction, openSecrets, type ActionSecrets } from '../secrets/sealed-actions.js';

/** A claimed notification. The outcome of the attempt must be recorded with the same `attempt` number. */
export interface ClaimedNotification {
  id: string;
  alarmId: string;
  projectId: string | null;
  kind: NotificationKind;
  sequence: number;
  transitionTime: Date;
  action: StoredAction;
  /** Sealed text with the whole action, bound to alarm and project. Null if the action is not sealed. */
  actionSecrets: string | null;
  /** Id of the delivery queue. */
  lane: string;
  host: string;
  body: string;
  attempt: number;
  /**
   * Position in the retry schedule: the number of attempts since creation or the last replay, including this one.
   * Attempts that a repeat, a replay, a resumed pause or an edit brought forward do not count.
   */
  attemptInSchedule: number;
  /**
   * End of the first attempt in the present series of `rejected` attempts since creation or the last replay. Null if
   * the last attempt was not rejected.
   */
  rejectedSince: Date | null;
  createdAt: Date;
  /** False if the host was new, or had not answered its last attempt, at the time of the claim. */
  isHostResponsive: boolean;
}

/** Returns the action as its owner wrote it. @throws Error when the key of its secret parts is not configured. */
export type ActionOpener = (notification: ClaimedNotification) => string;

/** Opens the actions of claimed notifications. It keeps the last sealed text, which all of a transition share. */
export function createActionOpener(sealer: Sealer): ActionOpener {
  let last: { sealed: string; secrets: ActionSecrets } | undefined;
  return ({ action, actionSecrets: sealed, alarmId, projectId }) => {
    if (sealed === null) return openAction(action, undefined);
    if (last?.sealed !== sealed) last = { sealed, secrets: openSecrets(sealed, { id: alarmId, projectId }, sealer) };
    return openAction(action, last.secrets);
  };
}
