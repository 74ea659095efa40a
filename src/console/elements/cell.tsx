import type { ComponentChildren, JSX } from 'preact';

/** A cell of a table whose rows are cards on narrow screens, with the name of its column before it. */
export function Cell({
  name,
  kind,
  children,
}: {
  name: string;
  kind?: string;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <td class={kind} data-name={name}>
      <div>{children}</div>
    </td>
  );
}
