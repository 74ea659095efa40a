import type { JSX } from 'preact';

import { SearchField } from '../elements/fields.js';
import { Empty, Loaded } from '../elements/notices.js';
import { Pages } from '../elements/pages.js';
import { SearchProgress } from '../elements/search-progress.js';
import { Age } from '../elements/time.js';
import type { Schemas } from '../requests/client.js';
import type { PageAnswer } from '../requests/list-page.js';
import { changeQuery, linkTo, linkWithout, type PageAddress } from '../shell/address.js';
import { LIST_PARTS } from './meter-list.js';

/** The resources that have the meter. One of them narrows the chart. */
export function ResourcePanel({
  address,
  answer,
}: {
  address: PageAddress;
  answer: PageAnswer<Schemas['ListedResources']>;
}): JSX.Element {
  return (
    <section class="panel" aria-labelledby="resources">
      <div class="heading">
        <h2 id="resources">Resources</h2>
      </div>
      <form class="filters" role="search" aria-label="Resources" onSubmit={(event) => event.preventDefault()}>
        <SearchField
          label="Resource"
          value={address.query.get('search') ?? undefined}
          placeholder="part of an id"
          onChange={(search) => changeQuery({ search, cursor: undefined })}
        />
      </form>
      <SearchProgress passed={answer.passed} />
      <Loaded answer={answer} what="resources" unfiltered={linkWithout(address, LIST_PARTS)}>
        {({ resources, next }) => (
          <>
            {resources.length === 0 && next === null ? (
              <Empty>No resource matches.</Empty>
            ) : (
              <ul class="resources">
                {resources.map((resource) => (
                  <Resource
                    key={`${resource.resource_id} ${resource.project_id}`}
                    address={address}
                    resource={resource}
                    hasProject={new Set(resources.map(({ project_id }) => project_id)).size > 1}
                  />
                ))}
              </ul>
            )}
            <Pages address={address} cursor="cursor" next={next} isEmpty={resources.length === 0} />
          </>
        )}
      </Loaded>
    </section>
  );
}

function Resource({
  address: { id, query },
  resource: { resource_id, project_id, last_sample_at },
  hasProject,
}: {
  address: PageAddress;
  resource: Schemas['ListedResource'];
  hasProject: boolean;
}): JSX.Element {
  const link = linkTo('meters', id, {
    ...Object.fromEntries(query),
    resource_id,
    ...(hasProject && project_id !== null && { project_id }),
    group: undefined,
  });
  return (
    <li>
      <a href={link} aria-current={query.get('resource_id') === resource_id ? 'true' : undefined}>
        {resource_id}
      </a>
      {hasProject && <span class="muted">of project {project_id ?? 'none'}</span>}
      <span class="muted">
        last sample <Age at={last_sample_at} /> ago
      </span>
    </li>
  );
}
