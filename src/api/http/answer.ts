import type { ServerResponse } from 'node:http';

import { pythonJson, type PythonValue } from '../../alarm/wire/python-json.js';
import { firstEvent } from '../../async/first-event.js';

export interface ApiAnswer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  /** JSON; nothing is sent without it. */
  body?: PythonValue;
  /** Members of a JSON list too long to hold, page by page. */
  pages?: AsyncIterable<readonly PythonValue[]>;
  /** The list of `pages` is this one member of an object. */
  listName?: string;
  /** Members that follow the list in that object; asked for when the list has come to its end. */
  afterList?: () => Readonly<Record<string, PythonValue>>;
  text?: { contentType: string; content: string | Buffer };
}

/**
 * Writes an answer. The first page of a long list is asked for before the status is sent, so that a failure there is
 * still an error answer.
 */
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
    if (isGone(response)) return; // nobody reads: the generator ends, and gives back what it holds
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

/** Asked anew each time: the client can go between two lines. */
function isGone(response: ServerResponse): boolean {
  return response.destroyed;
}
