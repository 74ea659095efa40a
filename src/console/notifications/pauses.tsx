import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { Dialog } from '../elements/dialog.js';
import { Failure } from '../elements/notices.js';
import { ALL_PROJECTS, holdOf, type ShownPause } from '../elements/pauses.js';
import { Time } from '../elements/time.js';
import { bodyOf, client } from '../requests/client.js';
import { usePageUser, type PageUser } from '../requests/page-user.js';
import type { Answer } from '../requests/use-answer.js';
import { PauseForm } from './pause-form.js';

/** The pauses of deliveries that the user sees, above all else. */
export function Pauses({ answer }: { answer: Answer<readonly ShownPause[]> }): JSX.Element | null {
  const { value = [], failure, again } = answer;
  if (failure !== undefined) return <Failure failure={failure} again={again} />;
  if (value.length === 0) return null;
  return (
    <ul class="pauses" aria-label="Paused deliveries">
      {value.map((pause) => (
        <li key={`${pause.project_id} ${pause.until ?? ''}`} class="warning">
          {pause.until === null ? (
            <PauseRow pause={pause} others={value.filter((other) => other !== pause)} onChange={again} />
          ) : (
            <LimitRow pause={pause} isPaused={holdOf(value, pause.project_id) !== undefined} />
          )}
        </li>
      ))}
    </ul>
  );
}

function LimitRow({ pause: { project_id, until }, isPaused }: { pause: ShownPause; isPaused: boolean }): JSX.Element {
  return (
    <span>
      <strong>Project {project_id} has reached its limit of notifications an hour.</strong> Its repeats wait until{' '}
      {until !== null && <Time at={until} />}
      {isPaused ? '.' : '; transitions are sent.'}
    </span>
  );
}

function PauseRow({
  pause,
  others,
  onChange,
}: {
  pause: ShownPause;
  /** The other pauses, and the limits. */
  others: readonly ShownPause[];
  onChange: () => void;
}): JSX.Element {
  const user = usePageUser();
  const [question, setQuestion] = useState<'resume' | 'change'>();
  const { project_id, paused_at, ends_at, reason, paused_by } = pause;
  const close = (): void => setQuestion(undefined);
  const ofWhat = project_id === ALL_PROJECTS ? 'all projects' : `project ${project_id}`;
  return (
    <>
      <span>
        <strong>Deliveries of {ofWhat} are paused</strong> since <Time at={paused_at} />
        {paused_by !== null && ` by ${paused_by}`}, {ends_at === null ? 'until they are resumed' : 'until '}
        {ends_at !== null && <Time at={ends_at} />}.{reason !== null && ` Reason: ${reason}.`} Notifications wait.
      </span>
      {mayPause(user, project_id) && (
        <span class="actions">
          <button type="button" onClick={() => setQuestion('resume')}>
            Resume …
          </button>
          <button type="button" onClick={() => setQuestion('change')}>
            Change …
          </button>
        </span>
      )}
      {question === 'resume' && (
        <Dialog
          title={`Resume the deliveries of ${ofWhat}?`}
          action="Resume"
          act={async () => {
            await bodyOf(client.DELETE('/v1/delivery-pauses/{project}', { params: { path: { project: project_id } } }));
            onChange();
          }}
          onClose={close}
        >
          <p>{whatIsSent(project_id, others)} Notifications of states that are no longer true are superseded.</p>
        </Dialog>
      )}
      {question === 'change' && <PauseForm pause={pause} onChange={onChange} onClose={close} />}
    </>
  );
}

/** What is sent at the end of a pause, while others may go on. */
function whatIsSent(projectId: string, others: readonly ShownPause[]): string {
  const hold = holdOf(others, projectId === ALL_PROJECTS ? undefined : projectId);
  if (hold === undefined) return 'Waiting notifications are sent at once.';
  return hold.isPartial
    ? 'Waiting notifications are sent at once, but not those of projects whose own deliveries are paused.'
    : 'Waiting notifications are sent when the deliveries of all projects are resumed, too.';
}

/** Members pause their own project, admins of all projects any. */
function mayPause({ isWriter, hasAllProjects, project_id: own }: PageUser, projectId: string): boolean {
  return hasAllProjects || (isWriter && projectId === own);
}
