import type { JSX } from 'preact';

import { ServiceText } from './service-text.js';

/** What is wrong with a field, below it. A screen reader says it when it appears. Renders nothing without a text. */
export function Fault({ id, text }: { id?: string | undefined; text: string | undefined }): JSX.Element | null {
  if (text === undefined) return null;
  return (
    <small id={id} class="fault" role="alert">
      <ServiceText text={text} />
    </small>
  );
}
