import type { JSX } from 'preact';

import { Empty, Loaded } from '../elements/notices.js';
import { NotificationRow } from '../elements/notification-row.js';
import { HoldNotice, holdOf, PausesContext, usePauses } from '../elements/pauses.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useLive } from '../requests/live.js';
import { useAnswer } from '../requests/use-answer.js';

const ROWS = 20;

/** The newest notifications of an alarm with their outcomes. */
export function NotificationsPanel({
  alarm: { alarm_id: alarmId, project_id: project },
  version,
}: {
  alarm: Schemas['Alarm'];
  /** The list is read again when it changes. */
  version: string;
}): JSX.Element {
  const answer = useAnswer(`${alarmId} ${version}`, (signal) =>
    bodyOf(client.GET('/v1/notifications', { params: { query: { alarm_id: alarmId, limit: ROWS } }, signal })),
  );
  useLive({ events: ['delivery', 'transition', 'silence'], alarmId }, answer.again);
  const { value: pauses = [] } = usePauses();
  return (
    <section class="panel" aria-label="Notifications">
      <div class="heading">
        <h2>Notifications</h2>
        <button type="button" onClick={answer.again}>
          Refresh
        </button>
      </div>
      <HoldNotice hold={holdOf(pauses, project)} />
      <Loaded answer={answer} what="notifications">
        {(notifications) =>
          notifications.length === 0 ? (
            <Empty>No notification is stored: the alarm has sent none yet, or it was long ago.</Empty>
          ) : (
            <PausesContext.Provider value={pauses}>
              <ol class="timeline">
                {notifications.map((notification) => (
                  <li key={notification.notification_id}>
                    <NotificationRow notification={notification} onReplay={answer.again} />
                  </li>
                ))}
              </ol>
            </PausesContext.Provider>
          )
        }
      </Loaded>
    </section>
  );
}
