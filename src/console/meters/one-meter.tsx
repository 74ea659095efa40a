import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';

import { Empty, Loaded } from '../elements/notices.js';
import { countOf } from '../elements/numbers.js';
import { Time } from '../elements/time.js';
import type { Schemas } from '../requests/client.js';
import { usePageUser } from '../requests/page-user.js';
import { linkTo, linkWithout, type PageAddress } from '../shell/address.js';
import { ChoiceFields } from './choice-fields.js';
import { ChosenResource } from './chosen-resource.js';
import { ChartPanel } from './meter-chart.js';
import { choicesIn } from './meter-choices.js';
import { LIST_PARTS, OWNERS, partsOf, useMeter, useResources } from './meter-list.js';
import { ResourcePanel } from './resource-panel.js';
import { statisticsKey, useStatistics } from './meter-statistics.js';

/** The chart of one meter, and the resources that have it. */
export function OneMeter({ address, name }: { address: PageAddress; name: string }): JSX.Element {
  const meter = useMeter(address, name);
  // The number of resources decides how many periods the service can answer.
  const statistics = useStatistics(address, name, meter.isWaiting ? undefined : meter.value);
  const resources = useResources(address, { meter: name });
  const refresh = (): void => {
    for (const answer of [meter, statistics, resources]) answer.again();
  };
  useEffect(() => {
    document.title = `${name} · Tocsin`;
  }, [name]);
  return (
    <section aria-labelledby="title">
      <p>
        <a href={linkTo('meters', undefined, partsOf(address, OWNERS))}>← Meters</a>
      </p>
      <Heading address={address} name={name} onRefresh={refresh} />
      <ChosenResource address={address} />
      <ChoiceFields address={address} />
      <Loaded answer={meter} what="the meter" unfiltered={linkWithout(address, LIST_PARTS)}>
        {(found) =>
          found === null ? (
            <Empty>No sample of this meter is stored that you may see and that matches these choices.</Empty>
          ) : (
            <>
              <Facts meter={found} />
              <ChartPanel
                name={name}
                statistic={choicesIn(address).statistic}
                answer={statistics}
                wanted={statisticsKey(address, name)}
              />
            </>
          )
        }
      </Loaded>
      <ResourcePanel address={address} answer={resources} />
    </section>
  );
}

function Heading({
  address,
  name,
  onRefresh,
}: {
  address: PageAddress;
  name: string;
  onRefresh: () => void;
}): JSX.Element {
  const { isWriter } = usePageUser();
  const resource = address.query.get('resource_id') ?? undefined;
  return (
    <div class="heading">
      <h1 id="title">{name}</h1>
      <div class="actions">
        {isWriter && (
          <a class="button primary" href={linkTo('new', undefined, { type: 'threshold', meter: name, resource })}>
            New alarm on this meter
          </a>
        )}
        <button type="button" onClick={onRefresh}>
          Refresh
        </button>
      </div>
    </div>
  );
}

function Facts({
  meter: { type, unit, resources, is_complete, last_sample_at },
}: {
  meter: Schemas['ListedMeter'];
}): JSX.Element {
  return (
    <p class="muted">
      {type}
      {unit !== '' && ` in ${unit}`},{' '}
      {is_complete ? countOf(resources, 'resource') : `more than ${resources} resources`}, last sample{' '}
      <Time at={last_sample_at} />
    </p>
  );
}
