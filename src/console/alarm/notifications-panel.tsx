import type { JSX } from 'preact';

import { Empty, Loaded } from '../elements/notices.js';
import { NotificationRow } from '../elements/notification-row.js';
import { bodyOf, client } from '../requests/client.js';
import { useLive } from '../requests/live.js';
import { useAnswer } from '../requests/use-answer.js';

const ROWS = 20;

/** Who was told of the alarm's changes, and with what outcome. */
export function NotificationsPanel({ alarmId, version }: { alarmId: string; version: string }): JSX.Element {
  const answer = useAnswer(`${alarmId} ${version}`, (signal) =>
    bodyOf(client.GET('/v1/notifications', { params: { query: { alarm_id: alarmId, limit: ROWS } }, signal })),
  );
  useLive({ events: ['delivery', 'transition', 'silence'], alarmId }, answer.again);
  return (
    <section class="panel" aria-label="Notifications">
      <div class="heading">
        <h2>Notifications</h2>
        <button type="button" onClick={answer.again}>
          Refresh
        </button>
      </div>
      <Loaded answer={answer} what="notifications">
        {(notifications) =>
          notifications.length === 0 ? (
            <Empty>No notification is stored: the alarm has sent none yet, or it was long ago.</Empty>
          ) : (
            <ol class="timeline">
              {notifications.map((notification) => (
                <li key={notification.notification_id}>
                  <NotificationRow notification={notification} onReplay={answer.again} />
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
    </section>
  );
}
