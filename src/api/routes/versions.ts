import type { ApiRequest, Route } from '../route.js';

/** The version document, in Aodh's words. */
export function versionRoutes(): Route[] {
  return [{ method: 'GET', path: '/', policy: 'public', handle: (request) => ({ status: 200, body: versions(request) }) }];
}

function versions({ origin }: Pick<ApiRequest, 'origin'>) {
  const v2 = {
    id: 'v2',
    links: [
      { href: `${origin}/v2`, rel: 'self' },
      { href: 'https://docs.openstack.org/', rel: 'describedby', type: 'text/html' },
    ],
    'media-types': [
      { base: 'application/json', type: 'application/vnd.openstack.telemetry-v2+json' },
      { base: 'application/xml', type: 'application/vnd.openstack.telemetry-v2+xml' },
    ],
    status: 'stable',
    updated: '2013-02-13T00:00:00Z',
  };
  return { versions: { values: [v2] } };
}
