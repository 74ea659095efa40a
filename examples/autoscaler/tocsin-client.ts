/** The few calls of Tocsin's public API that an autoscaler needs. */
export interface TocsinClient {
  createAlarm(alarm: object): Promise<string>;
  deleteAlarm(id: string): Promise<void>;
  pushSamples(meter: string, samples: object[]): Promise<void>;
}

/** Creates a client of the Tocsin at `baseUrl`. */
export function createTocsinClient(baseUrl: string): TocsinClient {
  async function call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  return {
    async createAlarm(alarm) {
      return ((await call('POST', '/v2/alarms', alarm)) as { alarm_id: string }).alarm_id;
    },
    async deleteAlarm(id) {
      await call('DELETE', `/v2/alarms/${id}`);
    },
    async pushSamples(meter, samples) {
      await call('POST', `/v2/meters/${meter}`, samples);
    },
  };
}

/** True if a Tocsin answers at this address. */
export async function isRunning(baseUrl: string): Promise<boolean> {
  try {
    return (await fetch(`${baseUrl}/livez`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false; // connection refused
  }
}
