import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** Most bytes of head and body that are read. Then the socket is destroyed, since only the status is needed. */
export const MAX_ANSWER_BYTES = 16 * 1024;

/** The parts of an answer that decide the outcome. */
export interface ParsedAnswer {
  status: number;
  retryAfter: string | undefined;
}

/**
 * Reads the answer of one request in parallel with the parser of Node.js. It keeps the first bytes, for answers that
 * the parser refuses: a parse error has the last packet only. It ends the request when the answer is too long, unless
 * the body is needed.
 */
export class AnswerTap {
  /** The parsed answer; set when its head is complete. */
  answer: ParsedAnswer | undefined;
  #onUpgrade: () => void = () => undefined;
  /** Resolves when the receiver switches protocols (101), which the HTTP client does not report. */
  readonly hasUpgraded = new Promise<void>((resolve) => (this.#onUpgrade = resolve));
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  /** `needsBody`: an answer of any length is read. Its first bytes are kept all the same. */
  constructor(private readonly needsBody = false) {}

  listen(request: ClientRequest): void {
    const read = ({ statusCode = 0, headers }: IncomingMessage): void => {
      this.answer = { status: statusCode, retryAfter: headers['retry-after'] };
    };
    request.once('response', read);
    request.once('upgrade', (response: IncomingMessage, socket: Socket) => {
      read(response);
      socket.destroy();
      this.#onUpgrade();
    });
    request.once('socket', (socket: Socket) => {
      const keep = (chunk: Buffer): void => {
        if (this.#bytes < MAX_ANSWER_BYTES) this.#chunks.push(chunk.subarray(0, MAX_ANSWER_BYTES - this.#bytes));
        this.#bytes += chunk.length;
      };
      const limit = (): void => {
        if (!this.needsBody && this.#bytes >= MAX_ANSWER_BYTES)
          request.destroy(new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`));
      };
      socket.prependListener('data', keep); // before the parser, whose error is emitted at once
      socket.on('data', limit); // after the parser, which may find a head in this chunk
      request.once('close', () => socket.off('data', keep).off('data', limit));
    });
  }

  /** Returns the first bytes of the answer, at most MAX_ANSWER_BYTES. */
  firstBytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
