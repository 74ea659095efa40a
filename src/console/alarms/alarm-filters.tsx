import type { JSX } from 'preact';

import { TYPE_OPTIONS } from '../elements/alarm-types.js';
import { Choice, SearchField } from '../elements/fields.js';
import { countText } from '../elements/numbers.js';
import { SEVERITY_OPTIONS, State, STATES } from '../elements/state.js';
import type { Schemas } from '../requests/client.js';
import { usePageUser } from '../requests/page-user.js';
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

const ENABLED_OPTIONS = [
  ['true', 'enabled'],
  ['false', 'disabled'],
] as const;

/** The fields that narrow the list. */
export function AlarmFilters({ address }: { address: PageAddress }): JSX.Element {
  const { hasAllProjects } = usePageUser();
  const filter = filterIn(address);
  const choice = (
    name: 'severity' | 'type' | 'enabled',
    label: string,
    options: readonly (readonly [value: string, text: string])[],
  ): JSX.Element => (
    <Choice
      label={label}
      any="any"
      value={filter[name]}
      options={options}
      onChange={(value) => filterBy({ [name]: value })}
    />
  );
  const isFiltered = FILTERS.some((name) => filter[name] !== undefined);
  return (
    <form class="filters" role="search" aria-label="Filter" onSubmit={(event) => event.preventDefault()}>
      <SearchField
        label="Name"
        value={filter.search}
        placeholder="part of a name, or an id"
        onChange={(search) => filterBy({ search })}
      />
      {choice('severity', 'Severity', SEVERITY_OPTIONS)}
      {choice('type', 'Type', TYPE_OPTIONS)}
      {choice('enabled', 'Enabled', ENABLED_OPTIONS)}
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
