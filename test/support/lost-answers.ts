import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A proxy in front of PostgreSQL that can lose the answer to a statement, or the statement itself. */
export interface LossyProxy {
  url: string;
  /** The same, but leaves the connections open in silence. Resolves when the bytes have come. */
  holdAt(text: string, what: 'the statement' | 'the answer'): Promise<void>;
  /** At the next bytes of a client that have this text, closes its connection: before the server has them, or after. */
  loseAt(text: string, what: 'the statement' | 'the answer'): void;
  close(): Promise<void>;
}

/** Starts a proxy on loopback in front of the server with this URL. */
export async function startLossyProxy(databaseUrl: string): Promise<LossyProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let loss: { text: string; what: 'the statement' | 'the answer'; onHeld?: () => void } | undefined;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let isLosing = false;
    let isHeld = false;
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => socket.destroy()));
    client.on('data', (bytes: Buffer) => {
      if (loss && bytes.includes(loss.text)) {
        const { what, onHeld } = loss;
        loss = undefined;
        isHeld = onHeld !== undefined;
        onHeld?.();
        if (what === 'the statement') return isHeld ? undefined : void client.destroy();
        isLosing = true;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes: Buffer) => {
      if (!isLosing) client.write(bytes);
      else if (!isHeld) client.destroy();
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    loseAt: (text, what) => (loss = { text, what }),
    holdAt: (text, what) => new Promise((resolve) => (loss = { text, what, onHeld: resolve })),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
