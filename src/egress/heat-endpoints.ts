import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import { endpointOf } from './own-services.js';

/** Where Heat listens, as `host:port` of the endpoints in Keystone's catalogue. */
export interface HeatEndpoints {
  /** As last heard; undefined if Keystone has not told yet. Asks again in the background when that is a minute ago. */
  known(): ReadonlySet<string> | undefined;
  /** Asks Keystone. Undefined if it does not answer and never has. */
  fetched(): Promise<ReadonlySet<string> | undefined>;
}

export interface HeatEndpointsDeps {
  /** The URLs of the services of these types in the catalogue. */
  endpointsOf: (serviceTypes: readonly string[]) => Promise<readonly string[]>;
  monotonicMs: () => number;
  log: Logger;
}

/** Heat's own API, and the one that it makes signal URLs for. */
const SERVICE_TYPES = ['orchestration', 'cloudformation'];
const FRESH_MS = 60_000;

/** Without Keystone there is no Heat. */
export const NO_HEAT: HeatEndpoints = { known: () => NONE, fetched: async () => NONE };
const NONE: ReadonlySet<string> = new Set();

export function createHeatEndpoints({ endpointsOf, monotonicMs, log }: HeatEndpointsDeps): HeatEndpoints {
  let last: ReadonlySet<string> | undefined;
  let askedAt: number | undefined;
  let asking: Promise<ReadonlySet<string> | undefined> | undefined;
  const ask = async (): Promise<ReadonlySet<string> | undefined> => {
    askedAt = monotonicMs();
    try {
      last = new Set((await endpointsOf(SERVICE_TYPES)).flatMap(keysOf));
    } catch (thrown) {
      log.debug('cannot read the addresses of Heat from the catalogue of Keystone', { err: toError(thrown) });
    }
    return last;
  };
  const fetched = (): Promise<ReadonlySet<string> | undefined> =>
    (asking ??= ask().finally(() => (asking = undefined)));
  return {
    known() {
      if (askedAt !== undefined && monotonicMs() - askedAt > FRESH_MS) void fetched();
      return last;
    },
    fetched,
  };
}

function keysOf(url: string): string[] {
  const endpoint = endpointOf(url, url.startsWith('https:') ? 443 : 80);
  return endpoint ? [`${endpoint.host}:${endpoint.port}`] : [];
}
