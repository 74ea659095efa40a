import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

const CONTROL = ':is(input, select, textarea)';
const REMOVE = ':scope > .remove, :scope > .heading > .remove';

/** Moves the focus in a list whose rows a user adds and removes. Browsers drop it with the element that had it. */
export interface RowFocus<List extends HTMLElement> {
  /** The element around the rows. */
  list: RefObject<List | null>;
  /** Call it when a row is added at the end: its first control gets the focus. */
  onAdd: () => void;
  /** Call it when this row is removed: the button that removes the next row gets the focus, or that which adds one. */
  onRemove: (index: number) => void;
}

/** `rows`: a selector of the rows within the list; `add`: of the control that adds a row. */
export function useRowFocus<List extends HTMLElement>(rows: string, add: string): RowFocus<List> {
  const list = useRef<List>(null);
  const wanted = useRef<((found: readonly Element[]) => Element | null | undefined) | undefined>(undefined);
  useLayoutEffect(() => {
    if (!wanted.current || !list.current) return;
    const target = wanted.current([...list.current.querySelectorAll(rows)]) ?? list.current.querySelector(add);
    wanted.current = undefined;
    if (target instanceof HTMLElement) target.focus();
  });
  return {
    list,
    onAdd: () => {
      wanted.current = (found) => found.at(-1)?.querySelector(CONTROL);
    },
    onRemove: (index) => {
      wanted.current = (found) => found[Math.min(index, found.length - 1)]?.querySelector(REMOVE);
    },
  };
}
