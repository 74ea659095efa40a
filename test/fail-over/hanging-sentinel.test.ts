import { afterEach, expect, test } from '@jest/globals';
import { createServer, type AddressInfo, type Socket } from 'node:net';

import { silentLogger } from '../../src/logger.js';
import { createRedis, type RedisPurpose } from '../../src/redis.js';
import { eventually } from '../support/eventually.js';
import { describeWithRedis, redisUrl } from '../support/servers.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A sentinel that answers each command so, or none. */
async function startSentinel(answer: ((command: string) => string) | undefined): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => socket.destroy()));
    socket.on('data', (bytes) => {
      const commands = bytes
        .toString('latin1')
        .toLowerCase()
        .split(/(?=\*\d+\r\n)/);
      if (answer) socket.write(commands.map(answer).join(''));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

describeWithRedis('a sentinel that takes connections and answers nothing', () => {
  test.each(['command', 'worker', 'subscriber'] satisfies RedisPurpose[])(
    'keeps no %s connection from the primary that another sentinel names',
    async (purpose) => {
      const { hostname, port, password } = new URL(redisUrl());
      const address = `*2\r\n$${hostname.length}\r\n${hostname}\r\n$${port.length}\r\n${port}\r\n`;
      const hanging = await startSentinel(undefined);
      const answering = await startSentinel((command) => (command.includes('get-master-addr') ? address : '*0\r\n'));
      const url = `sentinel://:${password}@127.0.0.1:${hanging},127.0.0.1:${answering}/tocsin`;
      const client = createRedis(url, purpose, silentLogger);
      undo.push(() => client.disconnect());
      await eventually(() => expect(client.status).toBe('ready'));
    },
  );
});
