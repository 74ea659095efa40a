import { afterEach, expect, test } from '@jest/globals';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { createSystemClock } from '../../src/clock.js';
import { serverDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { startNotifier } from '../support/notifier-rig.js';
import { describeWithPostgres } from '../support/servers.js';
import { storeAnsweringHosts, storeNotifications } from '../support/stored-notifications.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const SILENT = 1_500;
const PERMITS = 20;
const clock = createSystemClock();

async function portOf(server: Server | HttpServer, address: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return (server.address() as AddressInfo).port;
}

/** Receivers on addresses of their own, which accept connections and never answer. */
async function startSilentReceivers() {
  const open = new Set<Socket>();
  let most = 0;
  const server = createServer((socket) => {
    most = Math.max(most, open.add(socket).size);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    socket.resume();
  });
  const port = await portOf(server, '0.0.0.0');
  return {
    hosts: Array.from({ length: SILENT }, (_, index) => `127.1.${index >> 8}.${index & 255}:${port}`),
    connections: () => open.size,
    mostConnections: () => most,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** A receiver whose host comes after all silent ones in the order in which a claim searches hosts. */
async function startLastReceiver(): Promise<{ host: string; requests: string[] }> {
  const requests: string[] = [];
  const server = createHttpServer((request, response) => {
    requests.push(request.url ?? '');
    response.writeHead(204).end();
  });
  const port = await portOf(server, '127.200.0.1');
  undo.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { host: `127.200.0.1:${port}`, requests };
}

describeWithPostgres('1,500 receivers of one project that never answer', () => {
  test.each([
    { are: 'are new', hasAnswered: false, held: PERMITS / 4 - 1 },
    // Half of the permits, and half of the room for attempts that wait.
    { are: 'have answered before', hasAnswered: true, held: PERMITS / 2 + (4 * PERMITS) / 2 },
  ])('that $are get $held connections, and delay no other project', async ({ hasAnswered, held }) => {
    const db = await serverDatabase();
    undo.push(() => db.close());
    const silent = await startSilentReceivers();
    const { host: last, requests } = await startLastReceiver();
    if (hasAnswered) await storeAnsweringHosts(db, ...silent.hosts);
    const createdAt = clock.now();
    await storeNotifications(
      db,
      silent.hosts.map((host, index) => ({ id: `p${index}`, host, action: `http://${host}/`, createdAt })),
    );
    const notifier = startNotifier(db, { rules: { concurrency: PERMITS } });
    undo.push(async () => {
      const stopped = notifier.stop();
      await silent.close();
      await stopped;
    });
    await eventually(() => expect(silent.connections()).toBe(held));
    for (const id of ['q1', 'q2']) {
      const action = `http://${last}/${id}`;
      await storeNotifications(db, [{ id, projectId: 'q', alarmId: id, host: last, action, createdAt: clock.now() }]);
      notifier.waker.wake(1);
      await eventually(() => expect(requests).toContain(`/${id}`));
    }
    expect(silent.mostConnections()).toBe(held);
  });
});
