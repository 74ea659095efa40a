import type { VersionsAnswer } from '../answers/service-answer.js';
import type { Route } from '../http/route.js';

/** `/`: the versions of the API, in Aodh's form. */
export function versionRoutes(): Route[] {
  return [
    {
      method: 'GET',
      path: '/',
      policy: 'public',
      audit: null,
      handle: ({ origin }) => ({ status: 200, body: versionsAt(origin) }),
    },
  ];
}

function versionsAt(origin: string): VersionsAnswer {
  const versionTwo = {
    id: 'v2',
    links: [
      { href: `${origin}/v2`, rel: 'self' },
      { href: 'https://docs.openstack.org/', rel: 'describedby', type: 'text/html' },
    ],
    'media-types': ['json', 'xml'].map((format) => ({
      base: `application/${format}`,
      type: `application/vnd.openstack.telemetry-v2+${format}`,
    })),
    status: 'stable',
    updated: '2013-02-13T00:00:00Z',
  };
  return { versions: { values: [versionTwo] } };
}
