import got, { HTTPError, type Got } from 'got';

import { StartupError, toError } from '../../errors.js';

/** An alarm as the API of Aodh (and ours) tells it. */
export type AlarmDocument = Readonly<Record<string, unknown>> & {
  alarm_id: string;
  name: string;
  type: string;
  state: string;
};

export interface AlarmService {
  /** All alarms of all projects, page by page, in the order of their ids. */
  alarms(): AsyncGenerator<AlarmDocument[]>;
  post<T>(path: string, body: unknown): Promise<T>;
}

export interface ServiceAddress {
  /** What people call it: `Aodh`, `Tocsin`. */
  name: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

const PAGE = 500;
const TIMEOUT_MS = 60_000;

/**
 * A service with Aodh's API as a client sees it. Every failure is a StartupError that says what was asked and what came
 * back.
 */
export function connectTo({ name, url, headers, signal }: ServiceAddress): AlarmService {
  const client: Got = got.extend({
    prefixUrl: url,
    headers: { accept: 'application/json', ...headers },
    timeout: { request: TIMEOUT_MS },
    retry: { limit: 0 },
    followRedirect: false,
    signal,
  });
  const told = async <T>(what: string, ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (thrown) {
      throw new StartupError(`${name} at ${url} did not answer ${what}: ${reasonOf(thrown)}`, { cause: thrown });
    }
  };
  return {
    async *alarms() {
      // By id: it is the only order in which a page cannot skip alarms that are equal in it.
      const query = { 'q.field': 'all_projects', 'q.op': 'eq', 'q.value': 'true', sort: 'alarm_id:asc', limit: PAGE };
      for (let marker: string | undefined; ;) {
        const searchParams = marker === undefined ? query : { ...query, marker };
        const page = await told('the list of alarms', async () =>
          alarmsIn(await client.get('v2/alarms', { searchParams }).text()),
        );
        yield page;
        if (page.length < PAGE) return;
        marker = page.at(-1)?.alarm_id;
      }
    },
    post: <T>(path: string, body: unknown) => told(path, () => client.post(path, { json: body }).json<T>()),
  };
}

const NOT_FINITE = /("(?:[^"\\]|\\.)*")|-?\b(?:NaN|Infinity)\b/g;

/**
 * Aodh takes thresholds that are no number and then answers what is no JSON: they are null here, so that one alarm does
 * not spoil the list.
 */
function alarmsIn(text: string): AlarmDocument[] {
  try {
    return JSON.parse(text) as AlarmDocument[];
  } catch {
    return JSON.parse(text.replace(NOT_FINITE, (_, string?: string) => string ?? 'null')) as AlarmDocument[];
  }
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof HTTPError)) return toError(thrown).message;
  const { statusCode, body } = thrown.response as { statusCode: number; body: unknown };
  return `${statusCode} ${faultIn(body) ?? ''}`.trim();
}

function faultIn(body: unknown): string | undefined {
  try {
    const { error_message: fault, error } = JSON.parse(String(body)) as {
      error_message?: { faultstring?: unknown };
      error?: { message?: unknown };
    };
    const text = fault?.faultstring ?? error?.message;
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined; // not JSON: the status says enough
  }
}
