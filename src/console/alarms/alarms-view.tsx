import type { JSX } from 'preact';

import { Empty, Loaded } from '../elements/notices.js';
import { SeverityWord, State } from '../elements/state.js';
import { Age } from '../elements/time.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useAnswer } from '../requests/use-answer.js';
import { PROJECT } from '../shell/address.js';
import type { ViewProps } from '../shell/view.js';

const ROWS = 50;

/** The alarms of a project, or of all. */
export function AlarmsView({ address }: ViewProps): JSX.Element {
  const project = address.query.get(PROJECT);
  const answer = useAnswer(project ?? '', (signal) =>
    bodyOf(client.GET('/v2/alarms', { params: { query: { limit: ROWS } }, signal })),
  );
  return (
    <section aria-labelledby="title">
      <h1 id="title">Alarms</h1>
      <Loaded answer={answer} what="alarms">
        {(alarms) =>
          alarms.length === 0 ? (
            <Empty>There are no alarms here yet.</Empty>
          ) : (
            <table>
              <thead>
                <tr>
                  <th>State</th>
                  <th>Name</th>
                  <th>Severity</th>
                  <th>Since</th>
                </tr>
              </thead>
              <tbody>{alarms.map(row)}</tbody>
            </table>
          )
        }
      </Loaded>
    </section>
  );
}

function row(alarm: Schemas['Alarm']): JSX.Element {
  return (
    <tr key={alarm.alarm_id}>
      <td>
        <State state={alarm.state} />
      </td>
      <td>{alarm.name}</td>
      <td>
        <SeverityWord severity={alarm.severity} />
      </td>
      <td>
        <Age at={alarm.state_timestamp} />
      </td>
    </tr>
  );
}
