import { createServer, type Server, type Socket } from 'node:net';

/** One connection that reached the canary, or one more request on it. */
export interface Hit {
  /** The address that was called, as the caller sees it. */
  address: string;
  port: number;
  /** The first line of its request; empty if it sent none. */
  request: string;
}

export interface Canary {
  readonly hits: Hit[];
  /** Takes the hits so far. */
  take(): Hit[];
  close(): Promise<void>;
}

/** Path of a request that the canary answers with a redirect to a metadata service. */
export const REDIRECT_PATH = '/redirect';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const REDIRECT = 'HTTP/1.1 307 Away\r\nlocation: http://169.254.169.254/latest/\r\ncontent-length: 0\r\n\r\n';

/**
 * Listens at these ports of every address. In the network namespace of the trial all addresses of the internet are
 * those of this machine, so each address that is called is called here.
 */
export async function startCanary(ports: readonly number[]): Promise<Canary> {
  const hits: Hit[] = [];
  const open = new Set<Socket>();
  const serve = (socket: Socket): void => {
    open.add(socket);
    const called = {
      address: (socket.localAddress ?? '').replace(/^::ffff:(?=\d+\.)/, ''),
      port: socket.localPort ?? 0,
    };
    let hit: Hit = { ...called, request: '' };
    hits.push(hit);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
    socket.on('data', (chunk) => {
      if (hit.request !== '') hits.push((hit = { ...called, request: '' })); // the connection is used again
      hit.request = chunk.toString('latin1').split('\r\n', 1)[0] ?? '';
      socket.write(hit.request.includes(` ${REDIRECT_PATH} `) ? REDIRECT : OK);
    });
  };
  const servers = await Promise.all(ports.map((port) => listening(createServer(serve), port)));
  return {
    hits,
    take: () => hits.splice(0),
    async close() {
      for (const socket of open) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

function listening(server: Server, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '::', ipv6Only: false }, () => resolve(server));
  });
}
