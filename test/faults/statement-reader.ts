/** Reads what a client sends to PostgreSQL on one connection. Returns the statements that each chunk executes. */
export type ReadStatements = (chunk: Buffer) => string[];

/** The length of a message, without its type. The first message of a connection has no type. */
const LENGTH_BYTES = 4;

/** Starts to read a connection from its first byte. Statements that were prepared before are told with their text. */
export function readStatements(): ReadStatements {
  const prepared = new Map<string, string>();
  let rest = Buffer.alloc(0);
  let typeBytes = 0;

  const statementOf = (type: string, body: Buffer): string | undefined => {
    const [first = '', second = ''] = body.toString('latin1').split('\0', 2);
    if (type === 'P') prepared.set(first, second);
    if (type === 'B') return prepared.get(second);
    return type === 'Q' ? first : undefined;
  };

  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const found: string[] = [];
    while (rest.length >= typeBytes + LENGTH_BYTES) {
      const end = typeBytes + rest.readInt32BE(typeBytes);
      if (rest.length < end) break;
      const type = typeBytes === 0 ? '' : rest.toString('latin1', 0, 1);
      const statement = statementOf(type, rest.subarray(typeBytes + LENGTH_BYTES, end));
      if (statement !== undefined) found.push(statement);
      rest = rest.subarray(end);
      typeBytes = 1;
    }
    return found;
  };
}
