import { request, type Agent, type ClientRequest } from 'node:http';

const ID = /^id: (.+)-(\d+)-(\d+)$/;

/** A client of the stream that connects again where it was cut, and checks that nothing is missing or repeated. */
export class StreamClient {
  /** Transitions received. */
  received = 0;
  /** Events whose id was not after that of the event before. */
  outOfOrder = 0;
  isOpen = false;
  private lastId: string | undefined;
  private last: [transaction: number, number: number] = [0, 0];
  private rest = '';
  private current: ClientRequest | undefined;
  private hasEnded = false;

  constructor(
    private readonly url: string,
    private readonly agent: Agent,
    /** Called with the data of each transition. Undefined: data is not read. */
    private readonly onData?: (data: string) => void,
  ) {}

  /** Opens the stream, from the last id if there was one. Resolves when its first lines are there. */
  open(): Promise<void> {
    this.rest = '';
    const headers = this.lastId === undefined ? {} : { 'last-event-id': this.lastId };
    return new Promise((resolve, reject) => {
      const sent = request(`${this.url}/v1/stream?event=transition`, { agent: this.agent, headers }, (response) => {
        if (response.statusCode !== 200) {
          reject(new Error(`the stream answered ${response.statusCode}`));
          return;
        }
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          this.take(text);
          if (!this.isOpen && this.lastId !== undefined) {
            this.isOpen = true;
            resolve();
          }
        });
        response.on('error', () => undefined); // cut by this client
        response.on('close', () => {
          this.isOpen = false;
        });
      });
      sent.on('error', (error) => {
        if (!this.hasEnded) reject(error);
      });
      sent.end();
      this.current = sent;
    });
  }

  /** Cuts the connection and connects again. */
  async reconnect(): Promise<void> {
    this.current?.destroy();
    this.isOpen = false;
    await this.open();
  }

  end(): void {
    this.hasEnded = true;
    this.current?.destroy();
  }

  private take(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('id: ')) this.note(line);
      else if (line === 'event: transition') this.received += 1;
      else if (line.startsWith('event: reset')) throw new Error('the stream was reset');
      else if (this.onData && line.startsWith('data: ')) this.onData(line.slice('data: '.length));
    }
  }

  private note(line: string): void {
    const [, , transaction = '', number = ''] = ID.exec(line) ?? [];
    const next: [number, number] = [Number(transaction), Number(number)];
    if (next[0] < this.last[0] || (next[0] === this.last[0] && next[1] < this.last[1])) this.outOfOrder += 1;
    this.last = next;
    this.lastId = line.slice('id: '.length);
  }
}
