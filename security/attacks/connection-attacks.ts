import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

import { untilAborted, type Attack } from './attack.js';

const IDLE_CONNECTIONS = 1_000;
const SLOW_BODIES = 200;
const SLOW_READERS = 60;
const TRICKLE_EVERY_MS = 500;
const LARGE_BODY = 15 * 1024 * 1024;

async function holdOpen(sockets: readonly Socket[], signal: AbortSignal): Promise<void> {
  await untilAborted(signal);
  for (const socket of sockets) socket.destroy();
}

/** Attacks by connections that cost the attacker nothing. */
export const CONNECTION_ATTACKS: readonly Attack[] = [
  {
    name: `${IDLE_CONNECTIONS} idle connections`,
    run: (attacker, signal) =>
      holdOpen(
        Array.from({ length: IDLE_CONNECTIONS }, () => attacker.open('')),
        signal,
      ),
  },
  {
    name: `${SLOW_BODIES} bodies of 15 MB that arrive byte by byte`,
    async run(attacker, signal) {
      const head = attacker.head('POST', '/v2/meters/cpu', {
        'content-type': 'application/json',
        'content-length': String(LARGE_BODY),
      });
      const sockets = Array.from({ length: SLOW_BODIES }, () => attacker.open(`${head}[`));
      while (!signal.aborted) {
        for (const socket of sockets) if (socket.writable) socket.write(' ');
        await pause(TRICKLE_EVERY_MS);
      }
      await holdOpen(sockets, signal);
    },
  },
  {
    name: `${SLOW_READERS} lists of all alarms that are not read`,
    async prepare(attacker) {
      for (let index = 0; index < 2_000; index++) {
        await attacker.must('POST', '/v2/alarms', {
          name: `unread ${index}`,
          type: 'event',
          description: 'd'.repeat(1_000),
          event_rule: {},
        });
      }
    },
    run: (attacker, signal) =>
      holdOpen(
        Array.from({ length: SLOW_READERS }, () => attacker.open(attacker.head('GET', '/v2/alarms'))),
        signal,
      ),
  },
];
