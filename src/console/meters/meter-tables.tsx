import type { JSX } from 'preact';

import { useKeptFocus } from '../elements/kept-focus.js';
import { countText } from '../elements/numbers.js';
import { Age } from '../elements/time.js';
import type { Schemas } from '../requests/client.js';
import { linkTo, type PageAddress } from '../shell/address.js';
import { OWNERS, partsOf } from './meter-list.js';

/** Names of meters that a row shows. */
const MOST_NAMES = 5;

/** Meters by name. Each leads to its chart. */
export function MeterTable({
  address,
  meters,
}: {
  address: PageAddress;
  meters: readonly Schemas['ListedMeter'][];
}): JSX.Element {
  useKeptFocus();
  const kept = partsOf(address, [...OWNERS, 'resource_id']);
  return (
    <div class="scroll meters">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Meter</th>
            <th scope="col">Unit</th>
            <th scope="col">Type</th>
            <th scope="col">Resources</th>
            <th scope="col">Last sample</th>
          </tr>
        </thead>
        <tbody>
          {meters.map(({ name, unit, type, resources, is_complete, last_sample_at }) => (
            <tr key={name}>
              <td class="main">
                <a href={linkTo('meters', name, kept)}>{name}</a>
              </td>
              <td data-name="Unit">{unit === '' ? <span class="muted">none</span> : unit}</td>
              <td data-name="Type">{type}</td>
              <td class="number" data-name="Resources">
                {countText(resources)}
                {!is_complete && '+'}
              </td>
              <td class="number" data-name="Last sample">
                <span>
                  <Age at={last_sample_at} /> ago
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Resources by id, each with its meters. */
export function ResourceTable({
  address,
  resources,
}: {
  address: PageAddress;
  resources: readonly Schemas['ListedResource'][];
}): JSX.Element {
  useKeptFocus();
  const hasProjects = new Set(resources.map(({ project_id }) => project_id)).size > 1;
  return (
    <div class="scroll meters">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Resource</th>
            <th scope="col">Meters</th>
            {hasProjects && <th scope="col">Project</th>}
            <th scope="col">Last sample</th>
          </tr>
        </thead>
        <tbody>
          {resources.map((resource) => (
            <ResourceRow
              key={`${resource.resource_id} ${resource.project_id}`}
              address={address}
              resource={resource}
              hasProject={hasProjects}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ResourceRow({
  address,
  resource: { resource_id, project_id, meters, meter_count, is_complete, last_sample_at },
  hasProject,
}: {
  address: PageAddress;
  resource: Schemas['ListedResource'];
  hasProject: boolean;
}): JSX.Element {
  // In a list of all projects, the resource of one of them was chosen.
  const kept = { ...partsOf(address, OWNERS), resource_id, ...(hasProject && { project_id: project_id ?? undefined }) };
  const shown = meters.slice(0, MOST_NAMES);
  const others = meter_count - shown.length;
  return (
    <tr>
      <td class="main">
        <a href={linkTo('meters', undefined, kept)}>{resource_id}</a>
      </td>
      <td data-name="Meters">
        <ul class="names">
          {shown.map((meter) => (
            <li key={meter}>
              <a href={linkTo('meters', meter, kept)}>{meter}</a>
            </li>
          ))}
          {others > 0 && (
            <li class="muted">
              and {countText(others)}
              {!is_complete && '+'} more
            </li>
          )}
        </ul>
      </td>
      {hasProject && <td data-name="Project">{project_id ?? <span class="muted">none</span>}</td>}
      <td class="number" data-name="Last sample">
        <span>
          <Age at={last_sample_at} /> ago
        </span>
      </td>
    </tr>
  );
}
