import type { JSX } from 'preact';

import { bodyOf, client, type Schemas } from '../requests/client.js';
import { refusedField } from '../requests/refused-field.js';
import { usePageUser } from '../requests/page-user.js';
import { useAnswer, type Answer } from '../requests/use-answer.js';
import { useRested } from '../requests/use-rested.js';
import { linkTo } from '../shell/address.js';
import { Failure } from './notices.js';
import { countOf } from './numbers.js';
import type { SilenceBody } from './silence-words.js';
import { State } from './state.js';

/** Alarms that are shown at once. */
const SHOWN = 6;
/** The end in a preview before an end is chosen. The previewed alarms do not depend on it. */
const SOME_END = '9999-12-31T00:00:00Z';

/** The alarms that a silence would hold, read while the user types. Undefined draft: no request is sent. */
export function useSilencePreview(draft: SilenceBody | undefined): Answer<Schemas['SilencePreview']> {
  const key = useRested(draft && JSON.stringify(previewBody(draft)));
  return useAnswer(key, (signal) =>
    bodyOf(client.POST('/v1/silences/preview', { body: JSON.parse(key ?? '{}') as SilenceBody, signal })),
  );
}

/** The body for a preview: reason and owner are filled in, since the user may not have typed them yet. */
function previewBody({ starts_at, ends_at, recurrence, ...draft }: SilenceBody): SilenceBody {
  const isTimed = Boolean(ends_at ?? recurrence);
  const times = isTimed ? { starts_at, ends_at, recurrence } : { ends_at: SOME_END };
  return { ...draft, ...times, reason: 'preview', owner: 'preview' } as SilenceBody;
}

/** Shows the alarms that a silence would hold, and how many of their notifications are still sent. */
export function SilencePreview({ answer }: { answer: Answer<Schemas['SilencePreview']> }): JSX.Element {
  const { value, failure, isWaiting } = answer;
  if (failure !== undefined) {
    return refusedField(failure) ? (
      <p class="muted">The alarms that it would hold are shown here.</p>
    ) : (
      <Failure failure={failure} />
    );
  }
  if (value === undefined) {
    return <p class="muted">{isWaiting ? 'Finding the alarms …' : 'The alarms that it would hold are shown here.'}</p>;
  }
  const { count, alarms, waiting_notifications: waiting } = value;
  return (
    <div class="preview" role="status">
      <p>
        <strong>{count === 0 ? 'It holds no alarm now.' : `It holds ${countOf(count, 'alarm')}.`}</strong>{' '}
        {waiting > 0 && waitingText(waiting)}
      </p>
      <PreviewedAlarms alarms={alarms.slice(0, SHOWN)} />
      {alarms.length > SHOWN && (
        <details>
          <summary>
            {countOf(alarms.length - SHOWN, 'more alarm')}
            {count > alarms.length && ` of ${countOf(count - SHOWN, 'more alarm')}`}
          </summary>
          <PreviewedAlarms alarms={alarms.slice(SHOWN)} />
        </details>
      )}
    </div>
  );
}

function waitingText(waiting: number): string {
  const what = countOf(waiting, 'notification');
  return waiting === 1 ? `${what} already waits and is still sent.` : `${what} already wait and are still sent.`;
}

function PreviewedAlarms({ alarms }: { alarms: Schemas['SilencePreview']['alarms'] }): JSX.Element {
  const { hasAllProjects } = usePageUser();
  return (
    <ul>
      {alarms.map(({ alarm_id: id, name, state, project_id: project }) => (
        <li key={id}>
          <State state={state} /> <a href={linkTo('alarm', id)}>{name || '(no name)'}</a>
          {hasAllProjects && project !== null && <span class="muted"> {project}</span>}
        </li>
      ))}
    </ul>
  );
}
