import { AppError } from '../../errors.js';
import { refuseUnreasonable } from './json-limits.js';

/** Resolves when the next piece of long work may use the event loop. */
export type NextTimeSlice = () => Promise<void>;

/** Bytes and items that are parsed at once. At 20 µs an item, converting them blocks the event loop for 5 ms. */
const PIECE_BYTES = 32 * 1024;
const PIECE_ITEMS = 250;
/** The largest item of most lists. An event of 64 Ki characters is smaller, however it is written. */
const MAX_ITEM_BYTES = 512 * 1024;

/** How a list is read. */
export interface ReadingLimits {
  nextTimeSlice: NextTimeSlice;
  /** The largest item that is parsed, with the blanks around it. */
  maxItemBytes?: number | undefined;
}

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\,[]{}');
const WHOLE_TEXT = new TextDecoder('utf-8', { fatal: true });
/** A byte order mark is ignored at the start of the whole text only. */
const PART_OF_TEXT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const BYTE_ORDER_MARK = Buffer.from('\ufeff');
const SPACE: ReadonlySet<number> = new Set(Buffer.from(' \t\n\r'));

/** Items that are parsed together: their bytes, and how many precede them. */
interface Piece {
  start: number;
  end: number;
  from: number;
}

/** A list in its bytes. */
interface SplitList {
  pieces: readonly Piece[];
  /** Number of items. */
  length: number;
}

/**
 * The JSON list in a request body, kept as bytes: a parsed list takes up to twenty times as much memory. The items are
 * parsed piece by piece each time they are read. A body with any other value is read as a list with this one item.
 */
export class JsonList {
  private constructor(
    private readonly bytes: Buffer,
    private readonly list: SplitList,
    /** False if the body is a single value. */
    readonly isList: boolean,
    private readonly nextTimeSlice: NextTimeSlice,
  ) {}

  /** Reads a body. @throws AppError if `JSON.parse` would refuse it, or if an item is unreasonable. */
  static async parse(
    bytes: Buffer,
    { nextTimeSlice, maxItemBytes = MAX_ITEM_BYTES }: ReadingLimits,
  ): Promise<JsonList> {
    const start = startOfText(bytes);
    if (bytes[start] === OPEN_LIST) {
      const list = await splitList(bytes, start + 1, { nextTimeSlice, maxItemBytes });
      return new JsonList(bytes, list, true, nextTimeSlice);
    }
    if (bytes.length - start > maxItemBytes) throw tooLarge('Item [0]', maxItemBytes);
    refuseUnreasonable(parseJson(bytes));
    const list = { pieces: [{ start, end: bytes.length, from: 0 }], length: 1 };
    return new JsonList(bytes, list, false, nextTimeSlice);
  }

  /** Number of items. */
  get length(): number {
    return this.list.length;
  }

  /** The whole body, parsed. */
  async value(): Promise<unknown> {
    const all: unknown[] = [];
    for await (const items of this.map((some) => some)) all.push(...items);
    return this.isList ? all : all[0];
  }

  /**
   * Converts the items whenever the result is read, in lists of some items; `from` is the index of the first of them.
   * The result of a list that is one piece is kept.
   */
  map<T>(convert: (items: readonly unknown[], from: number) => readonly T[]): AsyncIterable<readonly T[]> {
    const { bytes, nextTimeSlice } = this;
    const { pieces } = this.list;
    let kept: readonly T[] | undefined;
    async function* converted(): AsyncGenerator<readonly T[]> {
      for (const piece of pieces) {
        if (piece !== pieces[0]) await nextTimeSlice();
        const some = kept ?? convert(itemsIn(bytes, piece), piece.from);
        if (pieces.length === 1) kept = some;
        yield some;
      }
    }
    return { [Symbol.asyncIterator]: converted };
  }
}

/** Splits the list whose text begins at `start`. Invalid JSON anywhere is refused before an unreasonable item. */
async function splitList(
  bytes: Buffer,
  start: number,
  { nextTimeSlice, maxItemBytes }: ReadingLimits & { maxItemBytes: number },
): Promise<SplitList> {
  const first = endOfSpace(bytes, start);
  if (bytes[first] === CLOSE_LIST) {
    refuseMoreText(bytes, first + 1);
    return { pieces: [{ start: first, end: first, from: 0 }], length: 0 };
  }
  const pieces: Piece[] = [];
  let refusal: Error | undefined;
  let length = 0;
  let at = first;
  for (;;) {
    const { end, commas } = endOfPiece(bytes, { start: at, from: length }, maxItemBytes);
    const piece = { start: at, end, from: length };
    const items = itemsIn(bytes, piece);
    if (items.length !== commas + 1) throw invalidJson();
    refusal ??= refusalOf(items, length);
    pieces.push(piece);
    length += items.length;
    at = end + 1;
    if (bytes[end] !== COMMA) break;
    await nextTimeSlice();
  }
  if (bytes[at - 1] !== CLOSE_LIST) throw invalidJson();
  refuseMoreText(bytes, at);
  if (refusal) throw refusal;
  return { pieces, length };
}

function refuseMoreText(bytes: Buffer, start: number): void {
  if (endOfSpace(bytes, start) < bytes.length) throw invalidJson();
}

/** The separator or bracket that ends the piece which begins at `start`, and the number of separators before it. */
function endOfPiece(
  bytes: Buffer,
  { start, from }: Pick<Piece, 'start' | 'from'>,
  maxItemBytes: number,
): { end: number; commas: number } {
  let end = endOfItem(bytes, start, { index: from, maxItemBytes });
  let commas = 0;
  while (bytes[end] === COMMA && end - start < PIECE_BYTES && commas + 1 < PIECE_ITEMS) {
    commas += 1;
    end = endOfItem(bytes, end + 1, { index: from + commas, maxItemBytes });
  }
  return { end, commas };
}

/**
 * The first comma or closing bracket outside of the item that begins at `start`; the end of the bytes if none.
 * @throws AppError that names the index of an item that is too large.
 */
function endOfItem(
  bytes: Buffer,
  start: number,
  { index, maxItemBytes }: { index: number; maxItemBytes: number },
): number {
  const limit = Math.min(bytes.length, start + maxItemBytes + 1);
  let depth = 0;
  for (let at = start; at < limit; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at, limit);
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth += 1;
    else if (depth === 0 && (byte === COMMA || byte === CLOSE_LIST || byte === CLOSE_OBJECT)) return at;
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
  }
  if (limit < bytes.length) throw tooLarge(`Item [${index}]`, maxItemBytes);
  return limit;
}

function endOfString(bytes: Buffer, start: number, limit: number): number {
  for (let at = start + 1; at < limit; at += 1) {
    if (bytes[at] === QUOTE) return at;
    if (bytes[at] === BACKSLASH) at += 1;
  }
  return limit;
}

function startOfText(bytes: Buffer): number {
  const hasMark = bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  return endOfSpace(bytes, hasMark ? BYTE_ORDER_MARK.length : 0);
}

function endOfSpace(bytes: Buffer, start: number): number {
  let at = start;
  while (SPACE.has(bytes[at] ?? 0)) {
    at += 1;
    if (at - start > MAX_ITEM_BYTES) throw tooLarge('The space around the list', MAX_ITEM_BYTES);
  }
  return at;
}

function tooLarge(part: string, maxBytes: number): AppError {
  return new AppError('too_large', `${part} in the request body is larger than ${maxBytes} bytes`);
}

/** The members of a list without its brackets. */
function itemsIn(bytes: Buffer, { start, end }: Piece): unknown[] {
  return parsed(() => `[${PART_OF_TEXT.decode(bytes.subarray(start, end))}]`) as unknown[];
}

/** The refusal of the first unreasonable item. `from`: the place of the first one in the list. */
function refusalOf(items: readonly unknown[], from: number): Error | undefined {
  for (const [index, item] of items.entries()) {
    try {
      refuseUnreasonable(item);
    } catch (refusal) {
      if (!(refusal instanceof AppError)) return refusal as Error;
      return refusal.at([from + index, ...(refusal.field ?? [])]);
    }
  }
  return undefined;
}

/** Parses a whole text. @throws AppError. */
export function parseJson(bytes: Buffer): unknown {
  return parsed(() => WHOLE_TEXT.decode(bytes));
}

function parsed(text: () => string): unknown {
  try {
    return JSON.parse(text()) as unknown;
  } catch (cause) {
    throw invalidJson(cause);
  }
}

function invalidJson(cause?: unknown): AppError {
  return new AppError('invalid_request', 'Request is not in valid JSON format', { cause });
}
