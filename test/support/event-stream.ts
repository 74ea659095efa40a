import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

/** An event as a client of server-sent events gets it. */
export interface ReceivedEvent {
  id: string;
  event: string;
  data: Record<string, unknown>;
}

/** An open stream of server-sent events, read as a browser does it. */
export interface EventStream {
  status: number;
  headers: IncomingHttpHeaders;
  /** All events so far. */
  events: ReceivedEvent[];
  /** What a browser would send as `Last-Event-ID`. */
  lastId(): string;
  /** The last `retry`, in milliseconds. */
  retryMs(): number | undefined;
  /** Everything that was received. */
  text(): string;
  isEnded(): boolean;
  /** Stops reading, as a client that hangs. */
  hang(): void;
  readAgain(): void;
  close(): void;
}

/** Opens a stream and resolves when its headers have come. */
export function openEventStream(url: string, headers: Readonly<Record<string, string>>): Promise<EventStream> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers: { accept: 'text/event-stream', ...headers } }, (response) =>
      resolve(follow(response)),
    );
    sent.on('error', reject);
    sent.end();
  });
}

function follow(response: IncomingMessage): EventStream {
  const events: ReceivedEvent[] = [];
  let all = '';
  let rest = '';
  let lastId = '';
  let retryMs: number | undefined;
  let isEnded = false;
  const dispatch = (block: string): void => {
    const fields = new Map(block.split('\n').map((line) => line.split(/: ?(.*)/s).slice(0, 2) as [string, string]));
    lastId = fields.get('id') ?? lastId;
    const retry = fields.get('retry');
    if (retry !== undefined) retryMs = Number(retry);
    const data = fields.get('data');
    if (data === undefined) return;
    const parsed = JSON.parse(data) as Record<string, unknown>;
    events.push({ id: lastId, event: fields.get('event') ?? 'message', data: parsed });
  };
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    all += chunk;
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) dispatch(block);
  });
  response.on('error', () => undefined);
  response.on('close', () => (isEnded = true));
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    lastId: () => lastId,
    retryMs: () => retryMs,
    text: () => all,
    isEnded: () => isEnded,
    hang: () => void response.pause(),
    readAgain: () => void response.resume(),
    close: () => response.destroy(),
  };
}
