import got, { HTTPError, type Got } from 'got';

import { StartupError, toError } from '../../errors.js';

/** An alarm as JSON from the API of Aodh or Tocsin. */
export type AlarmDocument = Readonly<Record<string, unknown>> & {
  alarm_id: string;
  name: string;
  type: string;
  state: string;
};

/** The API of Aodh or Tocsin, as far as the import uses it. */
export interface AlarmService {
  /** All alarms of all projects, page by page, in the order of their ids. */
  alarms(): AsyncGenerator<AlarmDocument[]>;
  /** Sends a POST with a JSON body and resolves to the JSON of the answer. */
  post<T>(path: string, body: unknown): Promise<T>;
}

/** Address and credentials of a service. */
export interface ServiceAddress {
  /** Name for error messages: `Aodh` or `Tocsin`. */
  name: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

const PAGE = 500;
const TIMEOUT_MS = 60_000;

/**
 * A client of a service with Aodh's API. Every failure is a StartupError that names the request and the answer. It does
 * not use `http/`: it runs once at a terminal, reads whole lists of any size, and shows the errors of the HTTP client.
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
  const explained = async <T>(subject: string, send: () => Promise<T>): Promise<T> => {
    try {
      return await send();
    } catch (thrown) {
      throw new StartupError(`${name} at ${url}: request for ${subject} failed: ${reasonOf(thrown)}`, {
        cause: thrown,
      });
    }
  };
  return {
    async *alarms() {
      // Sorted by id, which no two alarms share, so that no page skips an alarm.
      const query = { 'q.field': 'all_projects', 'q.op': 'eq', 'q.value': 'true', sort: 'alarm_id:asc', limit: PAGE };
      for (let marker: string | undefined; ;) {
        const searchParams = marker === undefined ? query : { ...query, marker };
        const page = await explained('the list of alarms', async () =>
          alarmsIn(await client.get('v2/alarms', { searchParams }).text()),
        );
        yield page;
        if (page.length < PAGE) return;
        marker = page.at(-1)?.alarm_id;
      }
    },
    post: <T>(path: string, body: unknown) => explained(path, () => client.post(path, { json: body }).json<T>()),
  };
}

const NOT_FINITE = /("(?:[^"\\]|\\.)*")|-?\b(?:NaN|Infinity)\b/g;

/**
 * Parses a list of alarms. Aodh accepts NaN and Infinity as thresholds and then writes invalid JSON. Here they become
 * null, so that such an alarm does not make the list unreadable.
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
    return undefined; // not JSON: the message shows the status only
  }
}
