import type { JSX } from 'preact';

import { SearchField } from '../elements/fields.js';
import { Empty, Loaded } from '../elements/notices.js';
import { Pages } from '../elements/pages.js';
import { SearchProgress } from '../elements/search-progress.js';
import { changeQuery, linkTo, linkWithout, type PageAddress } from '../shell/address.js';
import type { ViewProps } from '../shell/view.js';
import { ChosenResource } from './chosen-resource.js';
import { LIST_FILTERS, LIST_PARTS, OWNERS, partsOf, useMeters, useResources } from './meter-list.js';
import { MeterTable, ResourceTable } from './meter-tables.js';
import { NoMeters } from './no-meters.js';
import { OneMeter } from './one-meter.js';
import { OwnerFields } from './owner-fields.js';

/** The built-in meters and their resources, or the chart of one meter. */
export function MetersView({ address }: ViewProps): JSX.Element {
  return address.id === undefined ? <Meters address={address} /> : <OneMeter address={address} name={address.id} />;
}

function Meters({ address }: ViewProps): JSX.Element {
  const isByResource = address.query.get('by') === 'resource';
  const meters = useMeters(address, !isByResource);
  const resources = useResources(address, { isWanted: isByResource });
  return (
    <section aria-labelledby="title">
      <div class="heading">
        <h1 id="title">Meters</h1>
        <div class="actions">
          <button type="button" onClick={isByResource ? resources.again : meters.again}>
            Refresh
          </button>
        </div>
      </div>
      <p class="muted">
        Samples that programs have sent to Tocsin. Metrics in Gnocchi and Prometheus stay there: the view of an alarm
        shows the values that it compares.
      </p>
      <Tabs address={address} isByResource={isByResource} />
      <form class="filters" role="search" aria-label="Filter" onSubmit={(event) => event.preventDefault()}>
        <SearchField
          label={isByResource ? 'Resource' : 'Meter'}
          value={address.query.get('search') ?? undefined}
          placeholder={isByResource ? 'part of an id' : 'part of a name'}
          onChange={(search) => changeQuery({ search, cursor: undefined })}
        />
        <OwnerFields address={address} />
      </form>
      <SearchProgress passed={isByResource ? resources.passed : meters.passed} />
      {isByResource ? (
        <Loaded answer={resources} what="resources" unfiltered={linkWithout(address, LIST_PARTS)}>
          {({ resources: rows, next }) => (
            <>
              {rows.length > 0 && <ResourceTable address={address} resources={rows} />}
              {rows.length === 0 && next === null && <NothingFound address={address} />}
              <Pages address={address} cursor="cursor" next={next} isEmpty={rows.length === 0} />
            </>
          )}
        </Loaded>
      ) : (
        <>
          <ChosenResource address={address} />
          <Loaded answer={meters} what="meters" unfiltered={linkWithout(address, LIST_PARTS)}>
            {({ meters: rows, next }) => (
              <>
                {rows.length > 0 && <MeterTable address={address} meters={rows} />}
                {rows.length === 0 && next === null && <NothingFound address={address} />}
                <Pages address={address} cursor="cursor" next={next} isEmpty={rows.length === 0} />
              </>
            )}
          </Loaded>
        </>
      )}
    </section>
  );
}

/** A search is for one of them: names or ids. */
function Tabs({ address, isByResource }: { address: PageAddress; isByResource: boolean }): JSX.Element {
  const kept = partsOf(address, OWNERS);
  return (
    <nav class="tabs" aria-label="Lists">
      <a href={linkTo('meters', undefined, kept)} aria-current={isByResource ? undefined : 'page'}>
        by meter
      </a>
      <a
        href={linkTo('meters', undefined, { ...kept, by: 'resource' })}
        aria-current={isByResource ? 'page' : undefined}
      >
        by resource
      </a>
    </nav>
  );
}

function NothingFound({ address }: { address: PageAddress }): JSX.Element {
  const { search, resource_id, user_id } = partsOf(address, LIST_FILTERS);
  if (search !== undefined || resource_id !== undefined || address.query.has('cursor'))
    return <Empty>No meter with samples matches this filter.</Empty>;
  if (user_id !== undefined) return <Empty>No resource has its newest sample from this user.</Empty>;
  return <NoMeters />;
}
