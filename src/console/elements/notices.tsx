import type { ComponentChildren, JSX } from 'preact';

import { failureText, RequestRefused } from '../requests/client.js';
import type { Answer } from '../requests/use-answer.js';
import { ServiceText } from './service-text.js';

/** What is said instead of a list that is empty. */
export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}

/** What failed, in the service's words, and a button to try again. */
export function Failure({
  failure,
  again,
  unfiltered,
}: {
  failure: unknown;
  again?: () => void;
  /** The link to the view without its filter. Shown if the service has refused what the filter names. */
  unfiltered?: string | undefined;
}): JSX.Element {
  return (
    <div class="failure" role="alert">
      <span>
        <ServiceText text={failureText(failure)} />
      </span>
      <span class="actions">
        {unfiltered !== undefined && isRefusal(failure) && (
          <a class="button" href={unfiltered}>
            Clear the filter
          </a>
        )}
        {again && (
          <button type="button" onClick={again}>
            Try again
          </button>
        )}
      </span>
    </div>
  );
}

/** Statuses of a request that would be refused again: bad input, another project (401 or 403), or no such object. */
const REFUSED: readonly number[] = [400, 401, 403, 404];

function isRefusal(failure: unknown): boolean {
  return failure instanceof RequestRefused && REFUSED.includes(failure.status);
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
  unfiltered,
  children,
}: {
  answer: Answer<Value>;
  what: string;
  /** The link to the view without its filter; undefined if the answer has none. */
  unfiltered?: string | undefined;
  children: (value: Value) => ComponentChildren;
}): JSX.Element {
  const { value, failure, isWaiting, again } = answer;
  return (
    <>
      {failure !== undefined && <Failure failure={failure} again={again} unfiltered={unfiltered} />}
      {value === undefined && isWaiting && <Waiting what={what} />}
      {value !== undefined && children(value)}
    </>
  );
}
