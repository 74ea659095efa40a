/** A block of a stream of server-sent events: an event, or the id of a position without an event. */
export interface EventBlock {
  id?: string;
  event?: string;
  data?: string;
  /** When to connect again if the stream ends, in milliseconds. */
  retry?: string;
}

/** Reads a stream of server-sent events to its end. `onBlocks` is called with all blocks that arrived together. */
export async function readEventText(
  body: ReadableStream<Uint8Array>,
  onBlocks: (blocks: readonly EventBlock[]) => void,
): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    onBlocks(blocks.map(blockOf));
  }
}

/** The service writes one line per field, and a comment as a line that begins with a colon. */
function blockOf(text: string): EventBlock {
  const block: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) block[line.slice(0, colon)] = line.slice(colon + 2);
  }
  return block;
}
