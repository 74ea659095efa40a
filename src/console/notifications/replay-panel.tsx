import type { JSX } from 'preact';
import { useContext, useState } from 'preact/hooks';

import { Dialog } from '../elements/dialog.js';
import { Failure, Loaded } from '../elements/notices.js';
import { countText } from '../elements/numbers.js';
import { HoldEnd, holdOf, PauseNotice, PausesContext, useActedProject, type Hold } from '../elements/pauses.js';
import { ServiceText } from '../elements/service-text.js';
import { Time } from '../elements/time.js';
import { bodyOf, client, failureText, type Schemas } from '../requests/client.js';
import { useAnswer } from '../requests/use-answer.js';
import type { ReplayQuery } from './notification-list.js';
import { outcomeText } from './replay-outcome.js';
import type { ReplayJob, ReplayPlan, ReplayProgress } from './replay-job.js';

/** Receivers that the question names. */
const SHOWN_RECEIVERS = 8;

/** The button that sends all again that the filter shows, with its question. */
export function ReplayAll({ query, job }: { query: ReplayQuery; job: ReplayJob }): JSX.Element {
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <button type="button" disabled={isBusy(job.progress)} onClick={() => setAsking(true)}>
        Send all {query.status} again …
      </button>
      {isAsking && <ReplayQuestion query={query} onStart={job.start} onClose={() => setAsking(false)} />}
    </>
  );
}

function isBusy(progress: ReplayProgress | undefined): boolean {
  return progress?.phase === 'sending' || progress?.phase === 'waiting';
}

function ReplayQuestion({
  query,
  onStart,
  onClose,
}: {
  query: ReplayQuery;
  onStart: (plan: ReplayPlan) => void;
  onClose: () => void;
}): JSX.Element {
  const preview = useAnswer('once', (signal) =>
    bodyOf(client.GET('/v1/notifications/replay/preview', { params: { query }, signal })),
  );
  const { value } = preview;
  const start = async (): Promise<void> => {
    if (value === undefined) return;
    const { notifications: total, is_complete: isComplete, ended_before } = value;
    onStart({ query: { ...query, ended_before }, total, isComplete });
  };
  return (
    <Dialog
      title={`Send all ${query.status} notifications again?`}
      action="Send again"
      canAct={value !== undefined && value.notifications > 0}
      act={start}
      onClose={onClose}
    >
      <Loaded answer={preview} what="what would be sent">
        {(found) => <Previewed preview={found} />}
      </Loaded>
      <PauseNotice project={query.project_id} />
    </Dialog>
  );
}

function Previewed({ preview }: { preview: Schemas['ReplayPreview'] }): JSX.Element {
  const { notifications, removed, is_complete, receivers } = preview;
  if (notifications === 0)
    return <p>None of them can be sent again{removed > 0 && ': edits have removed their actions'}.</p>;
  const others = receivers.slice(SHOWN_RECEIVERS).reduce((sum, each) => sum + each.notifications, 0);
  return (
    <>
      <p>
        <strong>
          {countText(notifications)}
          {!is_complete && ' or more'}
        </strong>{' '}
        {notifications === 1 ? 'notification is' : 'notifications are'} sent again, with the same ids and bodies, to:
      </p>
      <ul class="counts">
        {receivers.slice(0, SHOWN_RECEIVERS).map(({ host, notifications: count }) => (
          <li key={host}>
            <code>{host}</code> <span class="number">{countText(count)}</span>
          </li>
        ))}
        {others > 0 && (
          <li>
            other receivers <span class="number">{countText(others)}</span>
          </li>
        )}
      </ul>
      {removed > 0 && <p>{countText(removed)} are left out: an edit has removed their action from the alarm.</p>}
      <p class="muted">
        Receivers act again: an autoscaler scales again. Those that end after this moment are not sent again, so this
        comes to an end even if all fail.
      </p>
    </>
  );
}

/** How far a replay is, and what can be done. */
export function ReplayStatus({ job }: { job: ReplayJob }): JSX.Element | null {
  const { progress } = job;
  const pauses = useContext(PausesContext);
  const hold = holdOf(pauses, useActedProject(progress?.query.project_id));
  if (progress === undefined) return null;
  const { query, sent, isCut, total, isComplete, phase, removed, failure, outcome } = progress;
  const ends = outcomeText(outcome, query.status);
  const most = Math.max(total, sent);
  return (
    <section class="panel" aria-label="Sending again">
      <div class="heading">
        <strong>
          {isCut && 'At least '}
          {countText(sent)} of {countText(most)}
          {!isComplete && ' or more'} queued again
        </strong>
        <ReplayButtons job={job} phase={phase} />
      </div>
      <progress max={most} value={phase === 'done' ? most : sent} aria-label="Queued again" />
      <p role="status">
        <PhaseWords progress={progress} hasEnds={ends !== ''} />
        {ends !== '' && ` ${ends}.`}
        {outcome.waiting > 0 && <HoldWords hold={hold} />}
        {phase === 'done' && removed > 0 && ` ${countText(removed)} were left out: their actions were removed.`}
      </p>
      {phase === 'failed' && <Failure failure={failure} />}
    </section>
  );
}

function PhaseWords({
  progress: { phase, isCut, until, failure },
  hasEnds,
}: {
  progress: ReplayProgress;
  /** True if the ends follow these words. */
  hasEnds: boolean;
}): JSX.Element {
  if (phase === 'sending') return <>Under way. {GOES_ON}</>;
  if (phase === 'waiting')
    return (
      <>
        The service lets it wait (<ServiceText text={failureText(failure)} />
        ). It goes on at {until && <Time at={until.toISOString()} form="time" />}. {GOES_ON}
      </>
    );
  if (phase === 'done') return <>{hasEnds ? 'Done:' : 'Done.'}</>;
  return (
    <>
      {phase === 'stopped' ? 'Stopped' : 'Failed'}
      {isCut ? ' before the service answered: the last request may have sent more than are counted.' : '.'} Those that
      are left stay as they were.
    </>
  );
}

/** Notifications that are sent again wait as any others while deliveries are paused. */
function HoldWords({ hold }: { hold: Hold | undefined }): JSX.Element | null {
  if (hold === undefined) return null;
  if (hold.isPartial) return <> Those of paused projects wait for the end of the pause.</>;
  return (
    <>
      {' '}
      Deliveries are paused
      <HoldEnd hold={hold} />.
    </>
  );
}

const GOES_ON =
  'It goes on while you look at other views. If you close or reload this tab, it stops: you can send the rest later.';

function ReplayButtons({ job, phase }: { job: ReplayJob; phase: ReplayProgress['phase'] }): JSX.Element {
  if (phase === 'sending' || phase === 'waiting')
    return (
      <div class="actions">
        <button type="button" onClick={job.stop}>
          Stop
        </button>
      </div>
    );
  return (
    <div class="actions">
      {phase !== 'done' && (
        <button type="button" onClick={job.goOn}>
          Go on
        </button>
      )}
      <button type="button" onClick={job.dismiss}>
        Close
      </button>
    </div>
  );
}
