import { useLayoutEffect } from 'preact/hooks';

/** Keeps the focus on its element when a newer answer moves the element. Browsers would drop the focus. */
export function useKeptFocus(): void {
  const focused = document.activeElement;
  useLayoutEffect(() => {
    const isDropped = document.activeElement === document.body;
    if (isDropped && focused instanceof HTMLElement && focused.isConnected) focused.focus({ preventScroll: true });
  });
}
