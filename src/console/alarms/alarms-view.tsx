import type { JSX } from 'preact';

import { Empty, Loaded } from '../elements/notices.js';
import { Pages } from '../elements/pages.js';
import { PausesContext, usePauses } from '../elements/pauses.js';
import type { Schemas } from '../requests/client.js';
import { useLive } from '../requests/live.js';
import { usePageUser, type PageUser } from '../requests/page-user.js';
import { useLater } from '../shell/clock.js';
import { linkTo, linkWithout, type PageAddress } from '../shell/address.js';
import type { ViewProps } from '../shell/view.js';
import { AlarmFilters, StateCounts } from './alarm-filters.js';
import { filterIn, FILTERS, useAlarmCounts, useAlarmList, useLatestValues } from './alarm-list.js';
import { AlarmTable } from './alarm-table.js';

/** The service keeps counts for 5 seconds. A count that is read right after an event may be older than the event. */
const KEPT_COUNTS_MS = 5_500;

/** The alarms of a project, or of all: counts, filters, and a table page by page. */
export function AlarmsView({ address }: ViewProps): JSX.Element {
  const user = usePageUser();
  const list = useAlarmList(address);
  const counts = useAlarmCounts(address);
  const values = useLatestValues(list.value?.alarms);
  const { value: pauses = [] } = usePauses();
  const refresh = (): void => {
    for (const answer of [list, counts, values]) answer.again();
  };
  const countLater = useLater(KEPT_COUNTS_MS, counts.again);
  useLive({ events: ['transition', 'definition', 'delivery', 'silence'] }, (events) => {
    if (events.every(({ name }) => name === 'delivery' || name === 'silence')) return list.again();
    refresh();
    countLater();
  });
  return (
    <section aria-labelledby="title">
      <div class="heading">
        <h1 id="title">Alarms</h1>
        <div class="actions">
          {user.isWriter && (
            <a class="button primary" href={linkTo('new')}>
              New alarm
            </a>
          )}
          <button type="button" onClick={refresh}>
            Refresh
          </button>
        </div>
      </div>
      <StateCounts address={address} counts={counts.value} />
      <AlarmFilters address={address} />
      <Loaded answer={list} what="alarms" unfiltered={linkWithout(address, [...FILTERS, 'sort', 'cursor'])}>
        {({ alarms, next }) => (
          <>
            {alarms.length === 0 ? (
              <NoAlarms address={address} />
            ) : (
              <PausesContext.Provider value={pauses}>
                <AlarmTable
                  address={address}
                  alarms={alarms}
                  values={values.value}
                  isSingleProject={isSingleProject(user, address, alarms)}
                />
              </PausesContext.Provider>
            )}
            <Pages address={address} cursor="cursor" next={next} />
          </>
        )}
      </Loaded>
    </section>
  );
}

function isSingleProject(
  { hasAllProjects }: PageUser,
  { query }: PageAddress,
  alarms: readonly Schemas['ListedAlarm'][],
): boolean {
  if (!hasAllProjects || query.has('project_id')) return true;
  return new Set(alarms.map(({ project_id }) => project_id)).size < 2;
}

function NoAlarms({ address }: { address: PageAddress }): JSX.Element {
  const { state, ...others } = filterIn(address);
  const isFiltered = Object.keys(others).length > 0;
  if (state === 'alarm' && !isFiltered) return <Empty>Nothing is in alarm.</Empty>;
  if (state !== undefined || isFiltered) return <Empty>No alarm matches this filter.</Empty>;
  return <Empty>There are no alarms yet.</Empty>;
}
