import type { JSX, TargetedEvent } from 'preact';
import { useState } from 'preact/hooks';

import { bodyOf, client, type Schemas } from '../requests/client.js';
import { usePageUser } from '../requests/page-user.js';
import { useAnswer } from '../requests/use-answer.js';
import { linkTo } from '../shell/address.js';
import { DeliveryStatus, REPLAYABLE } from './delivery.js';
import { errorWords } from './delivery-errors.js';
import { Failure, Loaded } from './notices.js';
import { HoldEnd, useHold } from './pauses.js';
import { Time } from './time.js';

type Notification = Schemas['Notification'];

/**
 * A notification in lines: its outcome, what went wrong in words, and, once it is opened, its attempts and its body.
 * `withAlarm`: also the name of the alarm, as a link above it.
 */
export function NotificationRow({
  notification,
  withAlarm = false,
  onReplay,
}: {
  notification: Notification;
  withAlarm?: boolean;
  onReplay: () => void;
}): JSX.Element {
  const { action, last_http_status: http, last_error: error, transition_time } = notification;
  const [isOpen, setOpen] = useState(false);
  return (
    <div class="notification">
      {withAlarm && <AlarmLink notification={notification} />}
      <details onToggle={(event: TargetedEvent<HTMLDetailsElement>) => setOpen(event.currentTarget.open)}>
        <summary>
          <Time at={transition_time} /> <DeliveryStatus of={notification} httpStatus={http} error={error} />{' '}
          <code>{action}</code> <span class="muted">{whatItTells(notification)}</span>
          <Progress notification={notification} />
        </summary>
        {isOpen && <Details notification={notification} onReplay={onReplay} />}
      </details>
    </div>
  );
}

function AlarmLink({ notification: { alarm_id, alarm_name, kind } }: { notification: Notification }): JSX.Element {
  if (kind === 'heartbeat') return <>{alarm_name}</>;
  return <a href={linkTo('alarm', alarm_id)}>{alarm_name || '(no name)'}</a>;
}

/** Which state a notification tells of, and why it was made. Bodies of other formats have no state. */
function whatItTells({ kind, body: { current } }: Notification): string {
  const state = typeof current === 'string' ? current : '';
  if (kind === 'heartbeat') return 'heartbeat of the service';
  if (kind === 'test') return `test of ${state || 'the action'}`;
  return kind === 'repeat' ? `repeat of ${state || 'the state'}` : state;
}

/** What went wrong so far, and when the next attempt is made. While a notification is held, none is made. */
function Progress({ notification }: { notification: Notification }): JSX.Element | null {
  const { status, attempts, last_http_status, last_error, next_attempt_at } = notification;
  const hold = useHold(notification);
  const error = status === 'delivered' ? undefined : errorWords(last_error, last_http_status);
  const isWaiting = status === 'pending' && hold === undefined && next_attempt_at !== null && attempts > 0;
  if (error === undefined && !isWaiting && hold === undefined) return null;
  return (
    <small class="progress">
      {error}
      <AttemptsSoFar attempts={attempts} />
      {isWaiting && (
        <>
          {' '}
          Next attempt: <Time at={next_attempt_at} form="short" />.
        </>
      )}
      {hold !== undefined && (
        <>
          {' '}
          It waits: {hold.reason === 'pause' ? 'deliveries are paused' : 'its project has reached its hourly limit,'}
          <HoldEnd hold={hold} />.
        </>
      )}
    </small>
  );
}

function AttemptsSoFar({ attempts }: { attempts: number }): JSX.Element | null {
  if (attempts === 0) return null;
  return <>{` ${attempts === 1 ? 'One attempt' : `${attempts} attempts`} so far.`}</>;
}

function Details({ notification, onReplay }: { notification: Notification; onReplay: () => void }): JSX.Element {
  const { notification_id: id, status, attempts: number, body } = notification;
  const answer = useAnswer(`${id} ${status} ${number}`, (signal) =>
    bodyOf(client.GET('/v1/notifications/{id}', { params: { path: { id } }, signal })),
  );
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
      <Replay notification={notification} onReplay={onReplay} />
    </div>
  );
}

function Replay({
  notification: { notification_id: id, status, kind },
  onReplay,
}: {
  notification: Notification;
  onReplay: () => void;
}): JSX.Element | null {
  const { isWriter } = usePageUser();
  const [failure, setFailure] = useState<unknown>();
  if (!isWriter || kind === 'test' || kind === 'heartbeat' || !REPLAYABLE.includes(status)) return null;
  const replay = (): void => {
    setFailure(undefined);
    bodyOf(client.POST('/v1/notifications/{id}/replay', { params: { path: { id } } })).then(onReplay, setFailure);
  };
  return (
    <>
      {failure !== undefined && <Failure failure={failure} />}
      <div>
        <button type="button" onClick={replay}>
          Send again
        </button>
      </div>
    </>
  );
}
