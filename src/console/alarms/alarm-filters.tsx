import type { JSX } from 'preact';

import { TYPE_WORDS, TYPES } from '../elements/alarm-types.js';
import { Choice, SearchField } from '../elements/fields.js';
import { countText } from '../elements/numbers.js';
import { State, STATES } from '../elements/state.js';
import type { Schemas } from '../requests/client.js';
import { useReader } from '../requests/reader.js';
import { changeQuery, linkTo, type PageAddress } from '../shell/address.js';
import { filterIn, FILTERS } from './alarm-list.js';

/** Another filter shows its first page. */
const filterBy = (changes: Record<string, string | undefined>): void => changeQuery({ ...changes, cursor: undefined });

/** How many alarms are in each state; a click shows these. */
export function StateCounts({
  address,
  counts,
}: {
  address: PageAddress;
  counts: Schemas['AlarmCounts'] | undefined;
}): JSX.Element {
  const { state: current, ...filter } = filterIn(address);
  const more = counts?.is_complete === false ? '+' : '';
  const tile = (state: string | undefined, count: number | undefined, label: JSX.Element | string): JSX.Element => (
    <li key={state ?? 'all'}>
      <a
        class="tile"
        href={linkTo('alarms', undefined, { ...filter, state })}
        aria-current={state === current ? 'true' : undefined}
      >
        <span>{label}</span>
        <strong class="number">{count === undefined ? '…' : countText(count) + more}</strong>
      </a>
    </li>
  );
  return (
    <ul class="tiles" aria-label="Alarms by state">
      {STATES.map((state) => tile(state, counts?.by_state[state], <State state={state} />))}
      {tile(undefined, counts?.total, 'all')}
    </ul>
  );
}

const SEVERITIES = ['critical', 'moderate', 'low'].map((severity) => [severity, severity] as const);
const TYPE_OPTIONS = TYPES.map((type) => [type, TYPE_WORDS[type]] as const);

/** The fields that narrow the list. */
export function AlarmFilters({ address }: { address: PageAddress }): JSX.Element {
  const { hasAllProjects } = useReader();
  const filter = filterIn(address);
  const isFiltered = FILTERS.some((name) => filter[name] !== undefined);
  return (
    <form class="filters" role="search" aria-label="Filter" onSubmit={(event) => event.preventDefault()}>
      <SearchField
        label="Name"
        value={filter.search}
        placeholder="part of a name, or an id"
        onChange={(search) => filterBy({ search })}
      />
      <Choice
        label="Severity"
        any="any"
        value={filter.severity}
        options={SEVERITIES}
        onChange={(severity) => filterBy({ severity })}
      />
      <Choice
        label="Type"
        any="any"
        value={filter.type}
        options={TYPE_OPTIONS}
        onChange={(type) => filterBy({ type })}
      />
      <Choice
        label="Enabled"
        any="any"
        value={filter.enabled}
        options={[
          ['true', 'enabled'],
          ['false', 'disabled'],
        ]}
        onChange={(enabled) => filterBy({ enabled })}
      />
      {hasAllProjects && (
        <SearchField
          label="Of project"
          value={filter.project_id}
          placeholder="all"
          onChange={(project_id) => filterBy({ project_id })}
        />
      )}
      {isFiltered && (
        <a class="button" href={linkTo('alarms', undefined, { sort: address.query.get('sort') ?? undefined })}>
          Clear
        </a>
      )}
    </form>
  );
}
