import type { JSX } from 'preact';

import type { OfferedType } from './form-fields.js';

/** Marks a type that is of no use here yet; undefined for other types. */
export function offerMark(offer: OfferedType | undefined): string | undefined {
  if (!offer || (offer.configured && offer.allowed)) return undefined;
  return offer.allowed ? 'not configured here' : 'only for admins here';
}

/** Says why a type is of no use here yet, and what to do. Renders nothing for other types. */
export function OfferNotice({ offer }: { offer: OfferedType | undefined }): JSX.Element | null {
  const mark = offerMark(offer);
  if (mark === undefined || !offer) return null;
  const advice = offer.allowed
    ? 'You can save such an alarm. It is evaluated once an operator has configured the backend.'
    : 'An admin can create such an alarm.';
  return (
    <span class="offer">
      <strong>{sentence(mark)}</strong>
      {offer.reason !== null && ` ${sentence(offer.reason)}`} {advice}
    </span>
  );
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
