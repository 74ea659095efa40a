import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** A status is all that is needed of an answer. After so many bytes of head and body the socket is destroyed. */
export const MAX_ANSWER_BYTES = 16 * 1024;

export interface ParsedAnswer {
  status: number;
  retryAfter: string | undefined;
}

/**
 * Listens to the answer of one request beside Node's parser: keeps the first bytes, for answers that the parser refuses, and ends the
 * request when the answer is long. The bytes must be kept from the beginning: a parse error carries the last packet only.
 */
export class AnswerTap {
  /** The answer as the parser read it, from the moment its head is complete. */
  answer: ParsedAnswer | undefined;
  #onUpgrade: () => void = () => undefined;
  /** Resolves when the receiver has changed protocols (101), of which the HTTP client tells nothing. */
  readonly hasUpgraded = new Promise<void>((resolve) => (this.#onUpgrade = resolve));
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

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
        if (this.#bytes >= MAX_ANSWER_BYTES) request.destroy(new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`));
      };
      socket.prependListener('data', keep); // before the parser, whose error is emitted at once
      socket.on('data', limit); // after the parser, which may find a head in this chunk
      request.once('close', () => socket.off('data', keep).off('data', limit));
    });
  }

  /** At most MAX_ANSWER_BYTES. */
  firstBytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
