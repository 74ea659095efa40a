import type { JSX } from 'preact';

import { useIsLive } from '../requests/live.js';
import type { LiveTabs } from '../requests/live-tabs.js';

/** Says whether the page updates itself. */
export function LiveSign({ live }: { live: LiveTabs | undefined }): JSX.Element {
  const isLive = useIsLive(live);
  return (
    <span class={isLive === false ? 'live broken' : 'live'} role="status">
      {isLive !== undefined && (isLive ? 'live' : 'not live, trying again')}
    </span>
  );
}
