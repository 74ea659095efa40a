const HEADINGS = 'h1, h2, h3';

/** Ends the watch of the last dialog: one element at most has the focus. */
let endWatch = (): void => undefined;

/**
 * Call it before a dialog opens. The returned function gives the focus back after the dialog has closed: to the element
 * that had it, or, if that is gone or disabled, to the heading nearest to it. It may go later, when a list is read
 * again. Once the user moves the focus or presses a place, it is left alone.
 *
 * `place`: the element around the dialog, which counts if no element had the focus. Some browsers focus no buttons.
 */
export function focusReturner(place: Element | null): () => void {
  endWatch();
  const focused = document.activeElement;
  const opener = focused instanceof HTMLElement && focused !== document.body ? focused : undefined;
  const around = ancestorsOf(opener ?? place);
  return () => {
    const watch = new MutationObserver(() => settle());
    const settle = (): void => {
      if (opener?.isConnected && !opener.matches(':disabled')) {
        if (isNowhere()) opener.focus();
        return;
      }
      const heading = isNowhere() ? headingIn(around) : null;
      if (heading) focusHeading(heading);
      if (heading || !isNowhere()) end();
    };
    const leave = ({ target }: FocusEvent): void => {
      if (target !== opener) end();
    };
    const end = (): void => {
      watch.disconnect();
      document.removeEventListener('focusin', leave);
      document.removeEventListener('pointerdown', end, true);
    };
    endWatch = end;
    document.addEventListener('focusin', leave);
    // Of a press on a place that takes no focus, `focusin` tells nothing.
    document.addEventListener('pointerdown', end, true);
    watch.observe(document.body, { childList: true, subtree: true, attributeFilter: ['disabled'] });
    settle();
  };
}

function ancestorsOf(element: Element | null): Element[] {
  const found: Element[] = [];
  for (let each = element?.parentElement ?? null; each; each = each.parentElement) found.push(each);
  return found;
}

/** True if no element has the focus. A browser may leave it on an element that has been disabled. */
function isNowhere(): boolean {
  const { activeElement: focused } = document;
  return focused === null || focused === document.body || focused.matches(':disabled');
}

/** The heading of the innermost of these elements that is still on the page and has one. */
function headingIn(around: readonly Element[]): HTMLElement | null {
  for (const each of around) {
    const heading = each.isConnected ? each.querySelector<HTMLElement>(HEADINGS) : null;
    if (heading) return heading;
  }
  return null;
}

function focusHeading(heading: HTMLElement): void {
  heading.tabIndex = -1;
  heading.focus();
}
