import type { JSX } from 'preact';

import { Cell } from '../elements/cell.js';
import { DeliveryStatus } from '../elements/delivery.js';
import { numberText, operatorSign } from '../elements/numbers.js';
import { serviceTextOf } from '../elements/service-text.js';
import { SeverityWord, State } from '../elements/state.js';
import { useKeptFocus } from '../elements/kept-focus.js';
import { Age, Time } from '../elements/time.js';
import { linkTo, type PageAddress } from '../shell/address.js';
import type { RowValue, TableAlarm } from './alarm-list.js';

/** Columns by which the service sorts, with the direction that is wanted first. */
const COLUMNS = [
  { key: 'state', name: 'State', first: 'asc' },
  { key: 'name', name: 'Name', first: 'asc' },
  { key: 'severity', name: 'Severity', first: 'desc' },
  { key: 'state_since', name: 'Since', first: 'desc' },
] as const;
const DEFAULT_SORT = 'name:asc';

/** The alarms of a page as a table; on narrow screens each row is a card. */
export function AlarmTable({
  address,
  alarms,
  values,
  isSingleProject,
}: {
  address: PageAddress;
  alarms: readonly TableAlarm[];
  /** Undefined until they are known. */
  values: ReadonlyMap<string, RowValue> | undefined;
  isSingleProject: boolean;
}): JSX.Element {
  useKeptFocus();
  return (
    <div class="scroll">
      <table class="cards">
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <SortableHead key={column.key} address={address} column={column} />
            ))}
            <th scope="col">Last value</th>
            <th scope="col">Last notification</th>
            {!isSingleProject && <th scope="col">Project</th>}
          </tr>
        </thead>
        <tbody>
          {alarms.map((alarm) => (
            <Row key={alarm.alarm_id} alarm={alarm} value={values?.get(alarm.alarm_id)} hasProject={!isSingleProject} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function SortableHead({
  address,
  column: { key, name, first },
}: {
  address: PageAddress;
  column: (typeof COLUMNS)[number];
}): JSX.Element {
  const [sorted, direction = 'asc'] = (address.query.get('sort') ?? DEFAULT_SORT).split(':');
  const isSorted = sorted === key;
  const next = !isSorted ? first : direction === 'asc' ? 'desc' : 'asc';
  const sort = `${key}:${next}`;
  const query = {
    ...Object.fromEntries(address.query),
    cursor: undefined,
    sort: sort === DEFAULT_SORT ? undefined : sort,
  };
  return (
    <th scope="col" aria-sort={isSorted ? (direction === 'asc' ? 'ascending' : 'descending') : undefined}>
      <a class="sort" href={linkTo('alarms', undefined, query)}>
        {name}
        <span aria-hidden="true">{isSorted ? (direction === 'asc' ? ' ↑' : ' ↓') : ''}</span>
      </a>
    </th>
  );
}

function Row({
  alarm,
  value,
  hasProject,
}: {
  alarm: TableAlarm;
  value: RowValue | undefined;
  hasProject: boolean;
}): JSX.Element {
  const { last_notification: last } = alarm;
  const [silence] = alarm.silences;
  return (
    <tr class={alarm.enabled ? undefined : 'disabled'}>
      <Cell name="State">
        <State state={alarm.state} />
      </Cell>
      <td class="main">
        <a href={linkTo('alarm', alarm.alarm_id)}>{alarm.name || '(no name)'}</a>
        {!alarm.enabled && <span class="tag">disabled</span>}
        {alarm.muted && <span class="tag">muted</span>}
        {silence && (
          <span class="tag" title={`${silence.reason} (${silence.owner})`}>
            silenced until <Time at={silence.ends_at} form="short" />
          </span>
        )}
        <small class="muted">{alarm.condition}</small>
      </td>
      <Cell name="Severity">
        <SeverityWord severity={alarm.severity} />
      </Cell>
      <Cell name="Since" kind="number">
        <Age at={alarm.state_since} />
      </Cell>
      <Cell name="Last value" kind="number">
        <Value alarm={alarm} value={value} />
      </Cell>
      <Cell name="Last notification">
        {last === null ? (
          <span class="muted">none</span>
        ) : (
          <>
            <DeliveryStatus
              of={{ ...last, project_id: alarm.project_id }}
              httpStatus={last.last_http_status}
              error={last.last_error}
            />{' '}
            <small class="muted">
              <Age at={last.at} /> ago
            </small>
          </>
        )}
      </Cell>
      {hasProject && <Cell name="Project">{alarm.project_id ?? <span class="muted">none</span>}</Cell>}
    </tr>
  );
}

/** The last value beside the threshold that counts now. */
function Value({ alarm, value }: { alarm: TableAlarm; value: RowValue | undefined }): JSX.Element {
  if (value !== undefined && value.error !== null) {
    return (
      <span class="muted" title={serviceTextOf(value.error)}>
        backend unavailable
      </span>
    );
  }
  const shown = value === undefined ? '…' : numberText(value.value);
  return (
    <span title={seriesTitle(value)}>
      <strong class={value?.outside === true ? 'outside' : undefined}>{shown}</strong>{' '}
      <span class="muted">{comparisonText(alarm, value)}</span>
    </span>
  );
}

/** The threshold of the value, or of the alarm's only rule. A value outside of it is in alarm now. */
function comparisonText(alarm: TableAlarm, value: RowValue | undefined): string {
  const { comparison_operator: operator, effective_threshold: threshold } =
    value && value.effective_threshold !== null ? value : alarm;
  if (threshold === null) return '';
  return `${value?.outside === true ? 'is' : 'fires at'} ${operatorSign(operator)} ${numberText(threshold)}`;
}

function seriesTitle(value: RowValue | undefined): string | undefined {
  if (value === undefined) return undefined;
  const others = value.compared_series > 1 ? ` (one of ${value.compared_series} series)` : '';
  return [value.name, value.rule].filter(Boolean).join(' ') + others || undefined;
}
