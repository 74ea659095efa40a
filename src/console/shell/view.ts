import type { FunctionComponent } from 'preact';

import type { PageAddress } from './address.js';

/** What a view is given. */
export interface ViewProps {
  address: PageAddress;
}

/** A view of the page: a folder of `src/console/`, and a line in `VIEWS`. */
export interface ViewEntry {
  /** Its name in the navigation; undefined for a view that other views lead to. */
  name: string | undefined;
  /** For a view without a name: the view that the navigation marks. */
  within?: string;
  /** True if only admins of all projects have it in their navigation. */
  onlyAdmins?: boolean;
  /** Loads its module. Called when the view is first shown. */
  load: () => Promise<FunctionComponent<ViewProps>>;
}
