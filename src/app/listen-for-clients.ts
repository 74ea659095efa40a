import type { RequestListener } from 'node:http';

import { listen, MAX_CONNECTIONS, type Listener } from '../api/http/listen.js';
import type { ServerCertificate } from '../api/http/server-certificate.js';
import type { StreamHub } from '../api/stream/stream-hub.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/schema.js';
import { isIn, parseAddress, parseNetwork } from '../egress/address.js';

/** What the listener of the API needs. */
export interface ListenForClientsDeps {
  config: Config;
  clock: Clock;
  certificate: ServerCertificate | undefined;
  streams: StreamHub;
}

/** Listens for requests. Streams end as soon as the listener is closed. */
export async function listenForClients(
  app: RequestListener,
  { config: { api }, clock, certificate, streams }: ListenForClientsDeps,
): Promise<Listener> {
  const listener = await listen(app, {
    host: api.host,
    port: api.port,
    setting: 'api.port',
    clock,
    isTrustedProxy: isOneOf(api.trusted_proxies),
    certificate,
    maxConnections: MAX_CONNECTIONS + api.max_streams,
  });
  return {
    ...listener,
    close(grace) {
      streams.close();
      return listener.close(grace);
    },
  };
}

/** True for an address in one of the networks. */
function isOneOf(texts: readonly string[]): (address: string) => boolean {
  const networks = texts.map(parseNetwork);
  return (text) => text !== '' && networks.some((network) => isIn(parseAddress(text), network));
}
