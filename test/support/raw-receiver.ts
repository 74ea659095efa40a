import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

import type { CertificateWithKey } from './certificates.js';

/** Answers every connection with the same bytes, which need not be HTTP. */
export interface RawReceiver {
  readonly url: string;
  /** Bytes that clients have taken so far. */
  readonly sent: () => number;
  /** Connections that are still open. */
  readonly open: () => number;
  close(): Promise<void>;
}

export interface RawAnswer {
  bytes: string | Buffer;
  /** Bytes of one packet; all of them in one if undefined. */
  packet?: number | undefined;
  /** Whether the server closes the connection after the bytes; otherwise it waits for the client. */
  closes?: boolean | undefined;
  tls?: CertificateWithKey | undefined;
}

export async function startRawReceiver({ bytes, packet, closes = false, tls }: RawAnswer): Promise<RawReceiver> {
  const answer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
  const sockets = new Set<Socket>();
  let sent = 0;
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    socket.once('data', () => {
      void write(socket, answer, packet ?? answer.length, (count) => (sent += count)).then(
        () => closes && socket.end(),
      );
    });
  };
  const server: Server = tls ? createTlsServer(tls, serve) : createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/hook`,
    sent: () => sent,
    open: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Each packet waits until the one before has left, so that the client reads them one by one. */
async function write(socket: Socket, bytes: Buffer, packet: number, onSent: (count: number) => void): Promise<void> {
  for (let at = 0; at < bytes.length && socket.writable; at += packet) {
    const part = bytes.subarray(at, at + packet);
    const failed = await new Promise((resolve) => socket.write(part, resolve));
    if (failed) return;
    onSent(part.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
