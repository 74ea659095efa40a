import type { JSX } from 'preact';

import { linkTo, type PageAddress } from '../shell/address.js';

/** The resource to which the view is narrowed, with a link that shows all. Nothing if there is none. */
export function ChosenResource({ address: { id, query } }: { address: PageAddress }): JSX.Element | null {
  const resource = query.get('resource_id');
  if (resource === null) return null;
  const others = linkTo('meters', id, {
    ...Object.fromEntries(query),
    resource_id: undefined,
    cursor: undefined,
  });
  return (
    <p class="chosen-resource">
      <span>
        Only resource <strong>{resource}</strong>
      </span>
      <a class="button" href={others}>
        All resources
      </a>
    </p>
  );
}
