import type { ComponentChildren, JSX } from 'preact';

import type { Answer } from '../requests/use-answer.js';
import { linkTo } from '../shell/address.js';
import { Empty, Loaded } from './notices.js';

/** The link back to a list, or to an object of it. */
export function Back({ view, id, children }: { view: string; id?: string | undefined; children: string }): JSX.Element {
  return (
    <p>
      <a href={linkTo(view, id)}>← {children}</a>
    </p>
  );
}

/** The frame of one object: the link back to its list, and the object, or why it is not shown. */
export function OneObject<Value extends object>({
  list: { view, name },
  what,
  answer,
  children,
}: {
  list: { view: string; name: string };
  /** What the object is: `alarm`. */
  what: string;
  /** Null: the user cannot see such an object. */
  answer: Answer<Value | null>;
  children: (value: Value) => ComponentChildren;
}): JSX.Element {
  return (
    <section aria-labelledby="title">
      <Back view={view}>{name}</Back>
      {answer.value === null ? (
        <NoSuch what={what} />
      ) : (
        <Loaded answer={answer} what={`the ${what}`}>
          {(value) => value && children(value)}
        </Loaded>
      )}
    </section>
  );
}

/** Said instead of an object that the user cannot see. */
export function NoSuch({ what }: { what: string }): JSX.Element {
  return (
    <Empty>
      There is no such {what}, or it belongs to a project whose {what}s you may not see.
    </Empty>
  );
}
