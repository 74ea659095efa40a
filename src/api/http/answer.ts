import type { ServerResponse } from 'node:http';

import { pythonJson, type PythonValue } from '../../alarm/wire/python-json.js';
import { atMost } from '../../async/deadline.js';
import { convertInPieces } from '../../async/event-loop.js';
import { firstEvent } from '../../async/first-event.js';
import type { Clock } from '../../clock.js';

/** An answer of the API. It has at most one of `body`, `pages`, `text` and `stream`. */
export interface ApiAnswer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  /** JSON value of the answer. */
  body?: PythonValue;
  /** Members of a JSON list that is too long to hold in memory, page by page. */
  pages?: AsyncIterable<readonly PythonValue[]>;
  /** Sends the list of `pages` as the member of this name of an object. */
  listName?: string;
  /** Members that follow the list in that object. Called at the end of the list. */
  afterList?: () => Readonly<Record<string, PythonValue>>;
  text?: { contentType: string; content: string | Buffer };
  /** Sends an answer without a planned end, with its status and headers. It bounds itself what waits for the client. */
  stream?: (response: ServerResponse) => Promise<void>;
}

type ReaderClock = Pick<Clock, 'monotonicMs' | 'sleep'>;

/** How an answer is sent. */
export interface Sending {
  clock: ReaderClock;
  /** Resolves when the next page of a list may use the event loop. */
  nextTimeSlice: () => Promise<void>;
}

/**
 * Sends an answer. The status of a list is sent with its first row, so that a failure before it is still an error.
 * Closes the connection of a client that reads too slowly.
 */
export async function sendAnswer(
  response: ServerResponse,
  answer: ApiAnswer,
  { clock, nextTimeSlice }: Sending,
): Promise<void> {
  const { status, headers = {}, body, pages, text, stream } = answer;
  if (stream) return stream(response);
  const reader = new AnswerReader(response, clock);
  if (pages) return sendPages(response, { ...answer, pages }, { reader, nextTimeSlice });
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (text) return end(response, text, reader);
  if (body === undefined) response.end();
  else await end(response, { contentType: 'application/json', content: pythonJson(body) }, reader);
}

async function end(
  response: ServerResponse,
  { contentType, content }: NonNullable<ApiAnswer['text']>,
  reader: AnswerReader,
): Promise<void> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  response.setHeader('Content-Type', contentType);
  response.setHeader('Content-Length', bytes.length);
  response.end(bytes);
  await reader.hasTaken(bytes.length, 'finish');
}

/** Time for which an answer may wait for its client, besides the time that its bytes take at the slowest rate. */
const WAIT_MS = 30_000;
/** The slowest rate at which a client may read: 64 kB/s. A slower one would keep memory and permits for too long. */
const SLOWEST_BYTES_PER_MS = 64;

/** The client that reads an answer. One that reads too slowly is disconnected. */
class AnswerReader {
  #bytes = 0;
  #waitedMs = 0;

  constructor(
    private readonly response: ServerResponse,
    private readonly clock: ReaderClock,
  ) {}

  /** Waits for the event that says that the client has taken these further bytes, or has left. */
  async hasTaken(bytes: number, event: 'drain' | 'finish'): Promise<void> {
    this.#bytes += bytes;
    const { response, clock } = this;
    if (response.writableLength === 0 || isGone(response)) return;
    const since = clock.monotonicMs();
    const leftMs = WAIT_MS + this.#bytes / SLOWEST_BYTES_PER_MS - this.#waitedMs;
    const taken = firstEvent(response, [event, 'close']).then(() => true);
    const isTaken = await atMost(clock, leftMs, taken);
    this.#waitedMs += clock.monotonicMs() - since;
    if (!isTaken) response.destroy();
  }
}

type ListAnswer = Pick<ApiAnswer, 'status' | 'listName' | 'afterList'> & Required<Pick<ApiAnswer, 'pages'>>;

async function sendPages(
  response: ServerResponse,
  { status, listName, afterList, pages }: ListAnswer,
  { reader, nextTimeSlice }: Pick<Sending, 'nextTimeSlice'> & { reader: AnswerReader },
): Promise<void> {
  const start = listName === undefined ? '[' : `{${pythonJson(listName)}: [`;
  const begin = (): void => {
    if (response.headersSent) return;
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.write(start);
  };
  for await (const page of pages) {
    if (isGone(response)) return; // the client has left: ends the generator, which releases its resources
    if (page.length === 0) continue;
    const separator = response.headersSent ? ', ' : '';
    if (response.headersSent) await nextTimeSlice();
    begin();
    const text = Buffer.from(
      separator + (await convertInPieces(page, pythonJson, (_, text) => text.length)).join(', '),
    );
    if (!response.write(text)) await reader.hasTaken(text.length, 'drain');
  }
  begin();
  response.end(listName === undefined ? ']' : `]${membersText(afterList?.() ?? {})}}`);
  await reader.hasTaken(0, 'finish');
}

function membersText(members: Readonly<Record<string, PythonValue>>): string {
  return Object.entries(members)
    .map(([name, value]) => `, ${pythonJson(name)}: ${pythonJson(value)}`)
    .join('');
}

/** A function, since TypeScript would assume that the property never changes between two checks. */
function isGone(response: ServerResponse): boolean {
  return response.destroyed;
}
