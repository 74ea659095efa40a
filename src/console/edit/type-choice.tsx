import type { JSX } from 'preact';

import { linkTo } from '../shell/address.js';
import type { RuleForm } from './form-fields.js';
import { OfferNotice } from './type-offer.js';

/** The choice of the type of a new alarm, with a sentence on each. */
export function TypeChoice({ types }: { types: readonly RuleForm[] }): JSX.Element {
  return (
    <>
      <p>What should the alarm watch?</p>
      <ul class="kinds">
        {types.map(({ type, title, description, offer }) => (
          <li key={type}>
            <a href={linkTo('new', undefined, { type })}>
              <strong>{title}</strong>
              <span>{description}</span>
              <OfferNotice offer={offer} />
              <code class="muted">{type}</code>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
