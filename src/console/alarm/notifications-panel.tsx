import type { JSX, TargetedEvent } from 'preact';
import { useState } from 'preact/hooks';

import { DeliveryStatus } from '../elements/delivery.js';
import { Empty, Failure, Loaded } from '../elements/notices.js';
import { Time } from '../elements/time.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useAnswer } from '../requests/use-answer.js';

const ROWS = 20;

/** Who was told of the alarm's changes, and with what outcome. */
export function NotificationsPanel({ alarmId, version }: { alarmId: string; version: string }): JSX.Element {
  const answer = useAnswer(`${alarmId} ${version}`, (signal) =>
    bodyOf(client.GET('/v1/notifications', { params: { query: { alarm_id: alarmId, limit: ROWS } }, signal })),
  );
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
            <Empty>No notification is stored: nobody was told of this alarm yet, or it was long ago.</Empty>
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

function NotificationRow({
  notification,
  onReplay,
}: {
  notification: Schemas['Notification'];
  onReplay: () => void;
}): JSX.Element {
  const { action, kind, status, attempts, last_http_status, last_error, transition_time, body } = notification;
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event: TargetedEvent<HTMLDetailsElement>) => setOpen(event.currentTarget.open)}>
      <summary>
        <Time at={transition_time} />{' '}
        <DeliveryStatus status={status} attempts={attempts} httpStatus={last_http_status} error={last_error} />{' '}
        <code>{action}</code>{' '}
        <span class="muted">
          {kind === 'repeat' ? 'repeat of ' : ''}
          {shownState(body)}
        </span>
      </summary>
      {isOpen && <Attempts notification={notification} onReplay={onReplay} />}
    </details>
  );
}

/** The state that a notification tells of. Bodies of other formats have none. */
function shownState({ current }: Schemas['Notification']['body']): string {
  return typeof current === 'string' ? current : '';
}

function Attempts({
  notification: { notification_id: id, status, body },
  onReplay,
}: {
  notification: Schemas['Notification'];
  onReplay: () => void;
}): JSX.Element {
  const answer = useAnswer(`${id} ${status}`, (signal) =>
    bodyOf(client.GET('/v1/notifications/{id}', { params: { path: { id } }, signal })),
  );
  const [failure, setFailure] = useState<unknown>();
  const replay = (): void => {
    setFailure(undefined);
    bodyOf(client.POST('/v1/notifications/{id}/replay', { params: { path: { id } } })).then(onReplay, setFailure);
  };
  return (
    <div class="details">
      <Loaded answer={answer} what="attempts">
        {({ attempt_list: attempts }) =>
          attempts.length === 0 ? (
            <p class="muted">No attempt yet.</p>
          ) : (
            <ol>
              {attempts.map(({ attempt, started_at, duration_ms, outcome, http_status, error }) => (
                <li key={attempt}>
                  <Time at={started_at} /> {outcome}
                  {http_status !== null && ` HTTP ${http_status}`} after {duration_ms} ms {error}
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
      <pre tabIndex={0}>{JSON.stringify(body, null, 2)}</pre>
      {failure !== undefined && <Failure failure={failure} />}
      {status !== 'pending' && status !== 'in_flight' && (
        <div>
          <button type="button" onClick={replay}>
            Send again
          </button>
        </div>
      )}
    </div>
  );
}
