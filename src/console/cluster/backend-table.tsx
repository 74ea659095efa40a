import type { JSX } from 'preact';

import { Empty } from '../elements/notices.js';
import { ServiceText } from '../elements/service-text.js';
import { Age, Time } from '../elements/time.js';
import type { Schemas } from '../requests/client.js';

/** Backends that evaluators have sent requests to, those that are down first. */
export function BackendTable({ backends }: { backends: Schemas['Cluster']['backends'] }): JSX.Element {
  if (backends.length === 0)
    return <Empty>No evaluator has sent a request to a backend yet: alarms on meters of Tocsin need none.</Empty>;
  const sorted = [...backends].sort((a, b) => Number(a.up) - Number(b.up));
  return (
    <div class="scroll">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Backend</th>
            <th scope="col">Condition</th>
            <th scope="col">Since</th>
            <th scope="col">Reason</th>
            <th scope="col">Evaluators that find it up</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map(({ backend, up, since, reason, evaluators_up, evaluators_down }) => (
            <tr key={backend}>
              <td class="main">{backend}</td>
              <td data-name="Condition">
                <span class={`state ${up ? 'ok' : 'alarm'}`}>
                  <span aria-hidden="true">{up ? '●' : '▲'}</span> {up ? 'up' : 'down'}
                </span>
              </td>
              <td data-name="Since">
                <Time at={since} /> (<Age at={since} />)
              </td>
              <td data-name="Reason">{reason === null ? '–' : <ServiceText text={reason} />}</td>
              <td data-name="Evaluators that find it up" class="number">
                {evaluators_up} of {evaluators_up + evaluators_down}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
