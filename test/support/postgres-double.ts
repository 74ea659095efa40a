import { createServer, type AddressInfo, type Socket } from 'node:net';

/** One message of PostgreSQL's protocol, from the server. */
export function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const READY = message('Z', Buffer.from('I'));

/** The answer to a query with one row of one column. */
function answer(column: string, { oid, length, value }: { oid: number; length: number; value: string }): Buffer {
  const described = [text(column), int32(0), int16(0), int32(oid), int16(length & 0xffff), int32(-1), int16(0)];
  const row = Buffer.concat([int16(1), int32(value.length), Buffer.from(value)]);
  return Buffer.concat([
    message('T', int16(1), Buffer.concat(described)),
    message('D', row),
    message('C', text('SELECT 1')),
    READY,
  ]);
}

/** The answer to a query of one text. */
export function textAnswer(column: string, value: string): Buffer {
  return answer(column, { oid: 25, length: -1, value });
}

/** An ErrorResponse that ends the session. */
export function fatal(sqlState: string): Buffer {
  return message('E', text('SFATAL'), text(`C${sqlState}`), text('Mno'), Buffer.from('\0'));
}

export interface PostgresDouble {
  url: string;
  /** What it does with each query after the first, and with each new connection. */
  behave(next: { query?: (socket: Socket) => void; connection?: (socket: Socket) => void }): void;
  /** Refuses connections from now on, and closes those it has. */
  goAway(): Promise<void>;
}

/** As much of a PostgreSQL server as is needed to be asked for its version and to fail after that. */
export async function startPostgresDouble(version = '150000'): Promise<PostgresDouble> {
  let asked = 0;
  let onQuery = (socket: Socket): void => void socket.destroy();
  let onConnection: ((socket: Socket) => void) | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    if (onConnection) return onConnection(socket);
    socket.once('data', () => {
      socket.write(Buffer.concat([message('R', int32(0)), READY]));
      socket.on('data', (bytes) => {
        if (!/^[QP]/.test(bytes.toString('latin1', 0, 1))) return;
        asked += 1;
        if (asked > 1) return onQuery(socket);
        socket.write(textAnswer('version', version));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgres://u@127.0.0.1:${port}/d`,
    behave: ({ query, connection }) => {
      onQuery = query ?? onQuery;
      onConnection = connection;
    },
    async goAway() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
