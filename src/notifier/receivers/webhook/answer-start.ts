/** Most bytes of an answer that are kept. */
const MAX_KEPT_BYTES = 1024;

/** The start of a receiver's answer to a test, for admins. */
export class AnswerStart {
  #bytes = Buffer.alloc(0);

  add(chunk: Buffer): void {
    const free = MAX_KEPT_BYTES - this.#bytes.length;
    if (free > 0) this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, free)]);
  }

  /** The text in printable characters: others are replaced by spaces, since a terminal would obey them. */
  text(): string {
    return this.#bytes
      .toString('utf8')
      .replace(/[\p{C}\p{Zl}\p{Zp}\u{fffd}]/gu, ' ')
      .trim();
  }
}
