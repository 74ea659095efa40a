import type { JSX } from 'preact';

import { textParts } from './text-parts.js';
import { Time, timeOf, timeText } from './time.js';

/** A sentence of the service, with its times in the user's zone: a reason, a refusal, an explanation. */
export function ServiceText({ text }: { text: string }): JSX.Element {
  const parts = textParts(text);
  return <>{parts.map((part, index) => (typeof part === 'string' ? part : <Time key={index} at={part.at} />))}</>;
}

/** As `ServiceText`, for a place where no element can be, such as a title. */
export function serviceTextOf(text: string): string {
  return textParts(text)
    .map((part) => (typeof part === 'string' ? part : timeText(timeOf(part.at), 'full')))
    .join('');
}
