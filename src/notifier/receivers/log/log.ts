import { scrubAction } from '../../../alarm/action-text.js';
import type { Logger } from '../../../logger.js';
import type { Receiver } from '../receiver.js';

/** Receiver of `log://` actions: writes one line to the notifier's log, with the text that Aodh uses. */
export function createLogReceiver({ log }: { log: Logger }): Receiver {
  return {
    async deliver({ action, body, id, kind }) {
      const { alarm_name, alarm_id, severity, previous, current, reason } = JSON.parse(body) as Record<string, string>;
      const priority = `of ${severity} priority from ${previous} to ${current}`;
      log.info(
        `Notifying alarm ${alarm_name} ${alarm_id} ${priority} with action ${scrubAction(action)} because ${reason}.`,
        {
          notificationId: id,
          ...(kind === 'test' && { isTest: true }),
        },
      );
      return { kind: 'delivered' };
    },
  };
}
