import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A proxy in front of a TCP server. Its connections can be cut so that neither side notices. */
export interface SilentProxy {
  port: number;
  /** After `writes` more writes of clients, nothing gets through any more in either direction. Sockets stay open. */
  cutAfter(writes: number): void;
  /** True if the cut has happened. */
  readonly isCut: boolean;
  close(): Promise<void>;
}

/** Starts a proxy on loopback in front of a port there. */
export async function startSilentProxy(target: number): Promise<SilentProxy> {
  const sockets = new Set<Socket>();
  let writesLeft = Infinity;
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay(true));
      socket.on('error', () => socket.destroy());
    }
    client.on('data', (chunk: Buffer) => {
      if (writesLeft <= 0) return;
      writesLeft -= 1;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      if (writesLeft > 0) client.write(chunk);
    });
    client.on('close', () => writesLeft > 0 && upstream.destroy());
    upstream.on('close', () => writesLeft > 0 && client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cutAfter: (writes) => (writesLeft = writes),
    get isCut() {
      return writesLeft <= 0;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
