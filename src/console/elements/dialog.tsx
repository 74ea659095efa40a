import type { ComponentChildren, JSX, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { Failure } from './notices.js';
import { focusReturner } from './returned-focus.js';

/**
 * A question over the page. Escape and the button "Cancel" close it; `act` runs once, and closes it if it succeeds.
 * Then the focus goes back to the element that opened it: see `focusReturner`.
 */
export function Dialog({
  title,
  action,
  isDangerous = false,
  canAct = true,
  act,
  onClose,
  children,
}: {
  title: string;
  /** The text of the button that acts. */
  action: string;
  isDangerous?: boolean;
  canAct?: boolean;
  act: () => Promise<unknown>;
  onClose: () => void;
  children: ComponentChildren;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [progress, setProgress] = useState<{ isActing: boolean; failure?: unknown }>({ isActing: false });
  useModal(dialog);
  const submit = (event: Event): void => {
    event.preventDefault();
    setProgress({ isActing: true });
    act().then(onClose, (failure: unknown) => setProgress({ isActing: false, failure }));
  };
  return (
    <dialog ref={dialog} aria-label={title} onClose={onClose}>
      <form onSubmit={submit}>
        <h2>{title}</h2>
        {children}
        {progress.failure !== undefined && <Failure failure={progress.failure} />}
        <div class="actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button class={isDangerous ? 'danger' : 'primary'} disabled={progress.isActing || !canAct}>
            {progress.isActing ? `${action} …` : action}
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** Shows a dialog from its first rendering to its removal. */
function useModal(dialog: RefObject<HTMLDialogElement | null>): void {
  useEffect(() => {
    const element = dialog.current;
    if (!element) return undefined;
    const returnFocus = focusReturner(element.parentElement);
    element.showModal();
    return () => {
      // The page behind an open dialog takes no focus, also if the dialog has been removed from it.
      element.close();
      returnFocus();
    };
  }, []);
}
