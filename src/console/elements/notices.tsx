import type { ComponentChildren, JSX } from 'preact';

import { failureText } from '../requests/client.js';
import type { Answer } from '../requests/use-answer.js';

/** What is said instead of a list that is empty. */
export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}

/** What failed, in the service's words, and a button to try again. */
export function Failure({ failure, again }: { failure: unknown; again?: () => void }): JSX.Element {
  return (
    <div class="failure" role="alert">
      <span>{failureText(failure)}</span>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Says that something is on its way. Shown after a moment, by its style, so that quick answers do not flicker. */
export function Waiting({ what }: { what: string }): JSX.Element {
  return (
    <p class="waiting" role="status">
      Loading {what} …
    </p>
  );
}

/** The value of an answer, or why there is none yet. A failed refresh keeps the last value under the message. */
export function Loaded<Value>({
  answer,
  what,
  children,
}: {
  answer: Answer<Value>;
  what: string;
  children: (value: Value) => ComponentChildren;
}): JSX.Element {
  const { value, failure, isWaiting, again } = answer;
  return (
    <>
      {failure !== undefined && <Failure failure={failure} again={again} />}
      {value === undefined && isWaiting && <Waiting what={what} />}
      {value !== undefined && children(value)}
    </>
  );
}
