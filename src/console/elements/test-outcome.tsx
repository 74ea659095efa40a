import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { bodyOf, client, RequestRefused, type Schemas } from '../requests/client.js';
import { useAnswer } from '../requests/use-answer.js';
import { after, now } from '../shell/clock.js';
import { DeliveryStatus } from './delivery.js';
import { Failure } from './notices.js';
import { State } from './state.js';

type ShownOutcome = Omit<Schemas['TestFire']['notifications'][number], 'status'> & { status: string };

/** The outcome of each action of a test. */
export function TestOutcome({
  test: { state, notifications },
  onClose,
}: {
  test: Schemas['TestFire'];
  onClose: () => void;
}): JSX.Element {
  return (
    <section class="panel" aria-label="Outcome of the test">
      <div class="heading">
        <h2>Test</h2>
        <State state={state} />
        <div class="actions">
          <button type="button" onClick={onClose}>
            Close
          </button>
        </div>
      </div>
      <div role="status">
        <ul class="timeline">
          {notifications.map((outcome) => (
            <li key={outcome.notification_id}>
              {outcome.status === 'in_flight' || outcome.status === 'pending' ? (
                <UnansweredTest outcome={outcome} />
              ) : (
                <OutcomeRow outcome={outcome} />
              )}
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

function OutcomeRow({ outcome }: { outcome: ShownOutcome }): JSX.Element {
  const { action, status, http_status: httpStatus, error, duration_ms: durationMs, answer } = outcome;
  const facts = [error, httpStatus !== null && `HTTP ${httpStatus}`, durationMs !== null && `${durationMs} ms`];
  return (
    <>
      <DeliveryStatus
        of={{ status, kind: 'test', attempts: 0, project_id: null }}
        httpStatus={httpStatus}
        error={error}
      />{' '}
      <code>{action}</code> <span class="muted">{facts.filter(Boolean).join(' · ')}</span>
      {answer !== null && answer !== '' && (
        <details>
          <summary>the answer</summary>
          <pre tabIndex={0}>{answer}</pre>
        </details>
      )}
    </>
  );
}

/** Time between two reads of an outcome. The stream has no events of tests, and they end within two minutes. */
const READ_AGAIN_MS = 2_000;
const READ_FOR_MS = 120_000;

/** True for a refusal that the next request will get, too. */
function isLasting(failure: unknown): boolean {
  return failure instanceof RequestRefused && failure.status !== 429 && failure.status !== 503;
}

/** A test whose receiver has not answered yet. The outcome is read until it has, for two minutes. */
function UnansweredTest({ outcome }: { outcome: ShownOutcome }): JSX.Element {
  const { notification_id: id } = outcome;
  const answer = useAnswer(id, (signal) =>
    bodyOf(client.GET('/v1/notifications/{id}', { params: { path: { id } }, signal })),
  );
  const { value, failure, isWaiting } = answer;
  const isOver = value !== undefined && value.status !== 'in_flight' && value.status !== 'pending';
  const [shownAt] = useState(now);
  const isRefused = isLasting(failure);
  useEffect(() => {
    const isLate = now().getTime() - shownAt.getTime() >= READ_FOR_MS;
    return isOver || isWaiting || isRefused || isLate ? undefined : after(READ_AGAIN_MS, answer.again);
  }, [isOver, isWaiting, isRefused, shownAt, answer.again]);
  const shown: ShownOutcome =
    value === undefined
      ? outcome
      : {
          ...outcome,
          status: value.status,
          http_status: value.last_http_status,
          error: value.last_error,
          duration_ms: value.attempt_list.at(-1)?.duration_ms ?? null,
        };
  return (
    <>
      <OutcomeRow outcome={shown} />
      {!isOver && (
        <>
          the receiver has not answered yet{' '}
          <button type="button" class="link" onClick={answer.again}>
            read again
          </button>
        </>
      )}
      {failure !== undefined && <Failure failure={failure} />}
    </>
  );
}
