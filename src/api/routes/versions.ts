import type { VersionsAnswer } from '../answers/service-answer.js';
import type { Route } from '../http/route.js';

/** `/`: the versions of the API, in Aodh's form; browsers are sent to the page for people. */
export function versionRoutes(): Route[] {
  return [
    {
      method: 'GET',
      path: '/',
      policy: 'public',
      audit: null,
      handle: ({ origin, headers }) =>
        wantsPage(headers.accept ?? '')
          ? { status: 302, headers: { Location: '/console', Vary: 'Accept' } }
          : { status: 200, headers: { Vary: 'Accept' }, body: versionsAt(origin) },
    },
  ];
}

/** True if `Accept` itself names HTML, as that of browsers does. A range such as any type is not enough. */
function wantsPage(accept: string): boolean {
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return type === 'text/html' && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
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
