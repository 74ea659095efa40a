import { connect } from 'node:net';

export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  text: string;
}

/**
 * Sends these bytes to a listener and reads until it closes the connection, so a request needs `Connection: close`
 * unless it is refused.
 */
export function sendRaw(url: string, bytes: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('error', reject);
    socket.once('close', () => resolve(parsed(Buffer.concat(chunks).toString())));
  });
}

/** A request whose target and headers go out as they are written here. */
export function rawRequest(method: string, target: string, headers: readonly string[] = ['Host: localhost']): string {
  return [`${method} ${target} HTTP/1.1`, 'Connection: close', ...headers, '', ''].join('\r\n');
}

function parsed(answer: string): RawAnswer {
  const end = answer.indexOf('\r\n\r\n');
  const [line = '', ...headers] = answer.slice(0, end).split('\r\n');
  const pairs = headers.map((header): [string, string] => {
    const at = header.indexOf(':');
    return [header.slice(0, at).toLowerCase(), header.slice(at + 1).trim()];
  });
  const all = Object.fromEntries(pairs);
  const text = answer.slice(end + 4);
  return {
    status: Number(line.split(' ')[1]),
    headers: all,
    text: all['transfer-encoding'] === 'chunked' ? unchunked(text) : text,
  };
}

function unchunked(text: string): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\r\n', at);
    const length = Number.parseInt(text.slice(at, end), 16);
    if (length === 0) break;
    parts.push(text.slice(end + 2, end + 2 + length));
    at = end + 4 + length;
  }
  return parts.join('');
}
