import type { JSX } from 'preact';

import { AlarmField } from '../elements/alarm-field.js';
import { Choice, SearchField } from '../elements/fields.js';
import { SpanFields } from '../elements/span-fields.js';
import { usePageUser } from '../requests/page-user.js';
import { changeQuery, type PageAddress } from '../shell/address.js';
import { FAILING, filterIn } from './notification-list.js';

/** Another filter shows its first page. */
const filterBy = (changes: Record<string, string | undefined>): void => changeQuery({ ...changes, marker: undefined });

const STATUSES = [
  ['pending', 'pending'],
  // Pending after a failed attempt.
  [FAILING, 'failing'],
  ['in_flight', 'in flight'],
  ['dead', 'dead'],
  ['silenced', 'silenced'],
  ['superseded', 'superseded'],
  ['cancelled', 'cancelled'],
  ['delivered', 'delivered'],
] as const;
const KINDS = [
  ['transition', 'transitions'],
  ['repeat', 'repeats'],
  ['test', 'tests'],
  ['heartbeat', 'heartbeats'],
] as const;
const SPAN_WORDS = [
  ['1h', 'in the last hour'],
  ['24h', 'in the last 24 hours'],
  ['7d', 'in the last 7 days'],
] as const;

/** The filter of the list. It is in the address. */
export function NotificationFilters({ address }: { address: PageAddress }): JSX.Element {
  const { hasAllProjects } = usePageUser();
  const filter = filterIn(address);
  return (
    <form class="filters" role="search" aria-label="Filter" onSubmit={(event) => event.preventDefault()}>
      <Choice
        label="Status"
        value={filter.status}
        options={STATUSES}
        any="any"
        onChange={(status) => filterBy({ status })}
      />
      <SearchField
        label="Receiver"
        value={filter.host}
        placeholder="host:port"
        onChange={(host) => filterBy({ host })}
      />
      <AlarmField label="Alarm" value={filter.alarm_id} onChange={(alarm_id) => filterBy({ alarm_id })} />
      <Choice label="Kind" value={filter.kind} options={KINDS} any="any" onChange={(kind) => filterBy({ kind })} />
      <SpanFields label="Created" value={filter} spans={SPAN_WORDS} any="at any time" onChange={filterBy} />
      {hasAllProjects && (
        <SearchField
          label="Of project"
          value={filter.project_id}
          placeholder="all"
          onChange={(project_id) => filterBy({ project_id })}
        />
      )}
    </form>
  );
}
