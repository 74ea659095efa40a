import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { Empty, Loaded } from '../elements/notices.js';
import { NotificationRow } from '../elements/notification-row.js';
import { Pages } from '../elements/pages.js';
import { PausesContext, usePauses } from '../elements/pauses.js';
import { useLive } from '../requests/live.js';
import { usePageUser } from '../requests/page-user.js';
import { linkWithout, type PageAddress } from '../shell/address.js';
import { useLater } from '../shell/clock.js';
import type { ViewProps } from '../shell/view.js';
import { NotificationFilters } from './notification-filters.js';
import {
  filterIn,
  FILTERS,
  replayQuery,
  useNotifications,
  useReceivers,
  type NotificationPage,
} from './notification-list.js';
import { PauseForm } from './pause-form.js';
import { Pauses } from './pauses.js';
import { ReceiversPanel } from './receivers-panel.js';
import { useReplayJob } from './replay-job.js';
import { ReplayAll, ReplayStatus } from './replay-panel.js';

/** The service keeps counts for 2 seconds: those that it answers at once may be older than the event. */
const KEPT_COUNTS_MS = 2_500;

/** Notifications and their outcomes: receivers with what waits, fails or is dead, and the notifications themselves. */
export function NotificationsView({ address }: ViewProps): JSX.Element {
  const { isWriter } = usePageUser();
  const list = useNotifications(address);
  const receivers = useReceivers(address);
  const pauses = usePauses();
  const countLater = useLater(KEPT_COUNTS_MS, receivers.again);
  const follow = (): void => {
    list.again();
    receivers.again();
    countLater();
  };
  const job = useReplayJob(follow);
  useLive({ events: ['delivery', 'transition'] }, follow);
  const query = replayQuery(filterIn(address));
  return (
    <PausesContext.Provider value={pauses.value ?? []}>
      <section aria-labelledby="title">
        <Heading
          onRefresh={() => {
            follow();
            pauses.again();
          }}
          onPause={pauses.again}
        />
        <Pauses answer={pauses} />
        <ReplayStatus job={job} />
        <ReceiversPanel answer={receivers} address={address} />
        <h2>Notifications</h2>
        <NotificationFilters address={address} />
        {isWriter && query !== undefined && (
          <div class="actions">
            <ReplayAll query={query} job={job} />
          </div>
        )}
        <Loaded answer={list} what="notifications" unfiltered={linkWithout(address, [...FILTERS, 'marker'])}>
          {(page) => <NotificationPages page={page} address={address} onReplay={follow} />}
        </Loaded>
      </section>
    </PausesContext.Provider>
  );
}

function Heading({ onRefresh, onPause }: { onRefresh: () => void; onPause: () => void }): JSX.Element {
  const { isWriter } = usePageUser();
  const [isPausing, setPausing] = useState(false);
  return (
    <div class="heading">
      <h1 id="title">Notifications</h1>
      <div class="actions">
        {isWriter && (
          <button type="button" onClick={() => setPausing(true)}>
            Pause deliveries …
          </button>
        )}
        <button type="button" onClick={onRefresh}>
          Refresh
        </button>
      </div>
      {isPausing && <PauseForm onChange={onPause} onClose={() => setPausing(false)} />}
    </div>
  );
}

function NotificationPages({
  page: { notifications, next },
  address,
  onReplay,
}: {
  page: NotificationPage;
  address: PageAddress;
  onReplay: () => void;
}): JSX.Element {
  return (
    <>
      {notifications.length === 0 ? (
        <Empty>
          {Object.keys(filterIn(address)).length === 0
            ? 'No notification is stored: alarms have fired no actions yet, or it was long ago.'
            : 'No notification matches this filter.'}
        </Empty>
      ) : (
        <div class="panel">
          <ol class="timeline">
            {notifications.map((notification) => (
              <li key={notification.notification_id}>
                <NotificationRow notification={notification} withAlarm onReplay={onReplay} />
              </li>
            ))}
          </ol>
        </div>
      )}
      <Pages address={address} cursor="marker" next={next} />
    </>
  );
}
