import type { ComponentChildren, JSX } from 'preact';

import type { FormField } from './form-fields.js';

/** Folded fields, with their names beside the title. */
export function Fold({
  title,
  fields,
  isOpen,
  children,
}: {
  title: string;
  fields: readonly FormField[];
  isOpen?: boolean;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <details class="more" open={isOpen}>
      <summary>
        {title} <small class="muted">{fields.map((field) => field.title).join(', ')}</small>
      </summary>
      <div class="fields">{children}</div>
    </details>
  );
}
