import type { JSX } from 'preact';

import { countOf } from '../elements/numbers.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { usePageUser, type PageUser } from '../requests/page-user.js';
import { useAnswer } from '../requests/use-answer.js';
import { linkTo, parseAddress, PROJECT } from '../shell/address.js';

/** Notice that no sample is stored: where the values of the alarms are, and how to send samples. */
export function NoMeters(): JSX.Element {
  const user = usePageUser();
  const project = parseAddress(location.hash).query.get(PROJECT) ?? undefined;
  const counts = useAnswer(project ?? '', (signal) => bodyOf(client.GET('/v1/alarms/counts', { signal })));
  return (
    <div class="panel">
      <h2>No samples are stored</h2>
      {counts.value && <OtherBackends counts={counts.value} />}
      <p>
        Samples are sent with <code>POST /v2/meters/&#123;name&#125;</code>. Alarms of the type “threshold” watch them.
      </p>
      <pre tabIndex={0}>{exampleOf(user, project)}</pre>
    </div>
  );
}

/** The alarms that watch other backends. */
function OtherBackends({ counts: { by_type } }: { counts: Schemas['AlarmCounts'] }): JSX.Element | null {
  const ofTypes = (begin: string): number =>
    Object.entries(by_type).reduce((sum, [type, count]) => sum + (type.startsWith(begin) ? count : 0), 0);
  const backends = [
    { name: 'Gnocchi', alarms: ofTypes('gnocchi_') },
    { name: 'Prometheus', alarms: ofTypes('prometheus') },
  ].filter(({ alarms }) => alarms > 0);
  if (backends.length === 0) return null;
  const alarmsOn = backends.map(({ name, alarms }) => `${countOf(alarms, 'alarm')} on ${name}`).join(' and ');
  const names = backends.map(({ name }) => name).join(' and ');
  return (
    <p>
      {alarmsOn}: the values are in {names}. <a href={linkTo('alarms')}>Open an alarm</a> to see its values.
    </p>
  );
}

/** A request that stores one sample, with the credential that the service wants. */
function exampleOf({ auth_mode }: PageUser, project: string | undefined): string {
  const credential =
    auth_mode === 'keystone' ? "-H 'X-Auth-Token: TOKEN' " : auth_mode === 'noauth' ? '' : "-H 'X-API-Key: KEY' ";
  const chosen =
    auth_mode === 'noauth' && project !== undefined ? `-H 'X-Project-Id: ${project}' -H 'X-Roles: member' ` : '';
  const sample = { counter_type: 'gauge', counter_unit: '%', counter_volume: 42, resource_id: 'web-1' };
  return [
    `curl ${credential}${chosen}-H 'Content-Type: application/json' \\`,
    `  -d '[${JSON.stringify(sample)}]' \\`,
    `  ${location.origin}/v2/meters/cpu_util`,
  ].join('\n');
}
