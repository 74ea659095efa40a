/** A place in the stream, after the event with this number of this transaction, or before its first one (0). */
export interface StreamPosition {
  transaction: bigint;
  number: bigint;
}

/** A position in one epoch, whose text is `<epoch>-<transaction>-<number>`: the id of an event. */
export interface StreamEventId extends StreamPosition {
  epoch: string;
}

const FORM = /^([0-9a-f]{1,32})-(\d{1,20})-(\d{1,19})$/;

/** The id in a text; undefined for any other text. */
export function parseStreamEventId(text: string): StreamEventId | undefined {
  const [, epoch, transaction, number] = FORM.exec(text.trim()) ?? [];
  if (epoch === undefined || transaction === undefined || number === undefined) return undefined;
  const id = { epoch, transaction: BigInt(transaction), number: BigInt(number) };
  return id.transaction > MOST_TRANSACTION || id.number > MOST_NUMBER ? undefined : id;
}

const MOST_TRANSACTION = 2n ** 64n - 1n;
const MOST_NUMBER = 2n ** 63n - 1n;

/** The text of an id. */
export function streamEventIdText({ epoch, transaction, number }: StreamEventId): string {
  return `${epoch}-${transaction}-${number}`;
}

/** True if `one` is before `other` in the stream. */
export function isBefore(one: StreamPosition, other: StreamPosition): boolean {
  if (one.transaction !== other.transaction) return one.transaction < other.transaction;
  return one.number < other.number;
}
