import type { JSX } from 'preact';

import { SearchField } from '../elements/fields.js';
import { Empty, Loaded } from '../elements/notices.js';
import { Pages } from '../elements/pages.js';
import { SearchProgress } from '../elements/search-progress.js';
import { useLive } from '../requests/live.js';
import { usePageUser } from '../requests/page-user.js';
import type { PageAnswer } from '../requests/list-page.js';
import { changeQuery, linkTo, linkWithout, PROJECT, type PageAddress } from '../shell/address.js';
import type { ViewProps } from '../shell/view.js';
import { OneSilence } from './one-silence.js';
import { SilenceForm } from './silence-form.js';
import { tabIn, TABS, useMatchedNames, useSilences, type SilencePage, type SilenceTab } from './silence-list.js';
import { SilenceTable } from './silence-table.js';

/** In place of an id in the address: the form for a new silence. */
const NEW = 'new';

/** The silences of a project, one of them, or the form for a new one. */
export function SilencesView({ address }: ViewProps): JSX.Element {
  if (address.id === NEW) return <SilenceForm address={address} />;
  return address.id === undefined ? <Silences address={address} /> : <OneSilence address={address} id={address.id} />;
}

function Silences({ address }: ViewProps): JSX.Element {
  const { isWriter, hasAllProjects } = usePageUser();
  const tab = tabIn(address);
  const { list, first, again } = useTabs(address, tab);
  const names = useMatchedNames(list.value?.silences);
  useLive({ events: ['silence'] }, again);
  return (
    <section aria-labelledby="title">
      <div class="heading">
        <h1 id="title">Silences</h1>
        <div class="actions">
          {isWriter && (
            <a class="button primary" href={linkTo('silences', NEW)}>
              New silence
            </a>
          )}
          <button type="button" onClick={again}>
            Refresh
          </button>
        </div>
      </div>
      <Tabs address={address} current={tab} first={first} />
      {hasAllProjects && !address.query.has(PROJECT) && (
        <form class="filters" role="search" aria-label="Filter" onSubmit={(event) => event.preventDefault()}>
          <SearchField
            label="Of project"
            value={address.query.get('project_id') ?? undefined}
            placeholder="all"
            onChange={(project_id) => changeQuery({ project_id, cursor: undefined })}
          />
        </form>
      )}
      <SearchProgress passed={list.passed} />
      <Loaded answer={list} what="silences" unfiltered={linkWithout(address, ['project_id', 'cursor'])}>
        {(page) => (
          <>
            {page.silences.length > 0 && <SilenceTable silences={page.silences} names={names} onChange={again} />}
            {page.silences.length === 0 && page.next === null && <Empty>{NONE[tab]}</Empty>}
            <Pages address={address} cursor="cursor" next={page.next} isEmpty={page.silences.length === 0} />
          </>
        )}
      </Loaded>
    </section>
  );
}

const NONE: Readonly<Record<SilenceTab, string>> = {
  active: 'No silence is active.',
  planned: 'No silence is planned.',
  ended: 'No silence has ended in the last 30 days.',
};

type FirstPages = Readonly<Record<SilenceTab, PageAnswer<SilencePage>>>;

/** The first page of each status, and the page that is shown: one of them, or a later one. */
function useTabs(
  address: PageAddress,
  tab: SilenceTab,
): { list: PageAnswer<SilencePage>; first: FirstPages; again: () => void } {
  const cursor = address.query.get('cursor');
  const first = {
    active: useSilences(address, 'active', null),
    planned: useSilences(address, 'planned', null),
    ended: useSilences(address, 'ended', null),
  };
  const later = useSilences(address, cursor === null ? undefined : tab, cursor);
  const again = (): void => {
    for (const answer of Object.values(first)) answer.again();
    if (cursor !== null) later.again();
  };
  return { list: cursor === null ? first[tab] : later, first, again };
}

/** A tab for each status, with the number of its silences. */
function Tabs({
  address,
  current,
  first,
}: {
  address: PageAddress;
  current: SilenceTab;
  first: FirstPages;
}): JSX.Element {
  const kept = { project_id: address.query.get('project_id') ?? undefined };
  return (
    <nav class="tabs" aria-label="Status">
      {TABS.map((tab) => (
        <a
          key={tab}
          href={linkTo('silences', undefined, { ...kept, status: tab === 'active' ? undefined : tab })}
          aria-current={tab === current ? 'page' : undefined}
        >
          {tab}
          <Count page={first[tab].value} />
        </a>
      ))}
    </nav>
  );
}

function Count({ page }: { page: SilencePage | undefined }): JSX.Element | null {
  if (page === undefined) return null;
  return (
    <span class="number">
      {' '}
      {page.silences.length}
      {page.next !== null && '+'}
    </span>
  );
}
