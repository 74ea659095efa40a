import { connect, type Socket } from 'node:net';

/** An answer, of which only the size of the body is kept. */
export interface ShortAnswer {
  status: number;
  bytes: number;
  /** The start of the body. */
  text: string;
}

const SHOWN = 300;

/** A client of one project, which it names in headers: the service trusts them in `auth.mode: noauth`. */
export class Tenant {
  /** Number of answers by status; 0: no answer. */
  readonly answers = new Map<number, number>();
  /** Texts of answers that no client should ever get. */
  readonly faults: string[] = [];

  constructor(
    readonly url: string,
    readonly project: string,
  ) {}

  get headers(): Record<string, string> {
    return { 'x-project-id': this.project, 'x-user-id': `user-of-${this.project}`, 'x-roles': 'member' };
  }

  async send(
    method: string,
    target: string,
    { body, signal }: { body?: unknown; signal?: AbortSignal } = {},
  ): Promise<ShortAnswer> {
    const payload = typeof body === 'string' ? body : JSON.stringify(body);
    try {
      const response = await fetch(this.url + target, {
        method,
        headers: { ...this.headers, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: payload }),
        ...(signal ? { signal } : {}),
      });
      const text = await response.text();
      this.#count(response.status, `${method} ${target}: ${response.status} ${text.slice(0, SHOWN)}`);
      return { status: response.status, bytes: text.length, text };
    } catch {
      this.#count(0, ''); // reset by the service, or given up at the end of the attack
      return { status: 0, bytes: 0, text: '' };
    }
  }

  /** As `send`. @throws Error if the answer is no success. */
  async must(method: string, target: string, body?: unknown): Promise<unknown> {
    const { status, text } = await this.send(method, target, { body });
    if (status < 200 || status >= 300) throw new Error(`${method} ${target}: ${status} ${text.slice(0, SHOWN)}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }

  /** Opens a connection and writes these bytes. It never reads. */
  open(bytes: string): Socket {
    const { hostname, port } = new URL(this.url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => socket.destroy());
    socket.pause();
    socket.write(bytes);
    return socket;
  }

  /** The head of a request, for `open`. */
  head(method: string, target: string, more: Readonly<Record<string, string>> = {}): string {
    const headers = { host: new URL(this.url).host, ...this.headers, ...more };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
  }

  /** Numbers of answers as a text, such as `200 × 12, 429 × 3`. */
  summary(): string {
    const counts = [...this.answers].sort(([a], [b]) => a - b);
    return counts.map(([status, count]) => `${status === 0 ? 'no answer' : status} × ${count}`).join(', ');
  }

  #count(status: number, text: string): void {
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
    if (status >= 500 && status !== 503) this.faults.push(text);
  }
}
