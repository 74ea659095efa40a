import type { ServerResponse } from 'node:http';

import { pythonJson, type PythonValue } from '../../alarm/wire/python-json.js';
import { firstEvent } from '../../async/first-event.js';

/** An answer of the API. It has at most one of `body`, `pages` and `text`. */
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
}

/** Sends an answer. The first page of a list is read before the status is sent, so that its failure is still a 5xx. */
export async function sendAnswer(response: ServerResponse, answer: ApiAnswer): Promise<void> {
  const { status, headers = {}, body, pages, text } = answer;
  if (pages) return sendPages(response, { ...answer, pages });
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (text) return end(response, text.contentType, text.content);
  if (body === undefined) response.end();
  else end(response, 'application/json', pythonJson(body));
}

function end(response: ServerResponse, contentType: string, content: string | Buffer): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  response.setHeader('Content-Type', contentType);
  response.setHeader('Content-Length', bytes.length);
  response.end(bytes);
}

type ListAnswer = Pick<ApiAnswer, 'status' | 'listName' | 'afterList'> & Required<Pick<ApiAnswer, 'pages'>>;

async function sendPages(response: ServerResponse, { status, listName, afterList, pages }: ListAnswer): Promise<void> {
  const start = listName === undefined ? '[' : `{${pythonJson(listName)}: [`;
  let separator = '';
  for await (const page of pages) {
    if (isGone(response)) return; // the client has left: ends the generator, which releases its resources
    if (!response.headersSent) {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.write(start);
    }
    if (page.length === 0) continue;
    const flushed = response.write(separator + page.map(pythonJson).join(', '));
    separator = ', ';
    if (!flushed && !isGone(response)) await firstEvent(response, ['drain', 'close']);
  }
  response.end(listName === undefined ? ']' : `]${membersText(afterList?.() ?? {})}}`);
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
