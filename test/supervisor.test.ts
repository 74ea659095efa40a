import { expect, test } from '@jest/globals';

import { silentLogger } from '../src/logger.js';
import { ReleaseStack } from '../src/release-stack.js';
import { Supervisor } from '../src/supervisor.js';
import { FakeClock } from './support/fake-clock.js';

function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
}

test('a loop that fails is reported by name and does not end the others', async () => {
  const supervisor = new Supervisor({ clock: new FakeClock(), log: silentLogger });
  supervisor.start({ name: 'good', run: until });
  supervisor.start({ name: 'bad', run: () => Promise.reject(new Error('broken')) });
  expect((await supervisor.failed).message).toBe('broken');
  expect(supervisor.health()).toEqual([
    { name: 'good', state: 'running' },
    { name: 'bad', state: 'failed', error: 'broken' },
  ]);
  expect(await supervisor.stop(1_000)).toEqual([]);
});

test('stopping waits for loops no longer than it is told, and names those that did not end', async () => {
  const clock = new FakeClock();
  const supervisor = new Supervisor({ clock, log: silentLogger });
  supervisor.start({ name: 'deaf', run: () => new Promise(() => undefined) });
  supervisor.start({ name: 'good', run: until });
  const stopped = supervisor.stop(5_000);
  await clock.advance(5_000);
  expect(await stopped).toEqual(['deaf']);
});

test('all resources are released in reverse order, once, also if a release fails', async () => {
  const released: string[] = [];
  const stack = new ReleaseStack();
  stack.push('first', () => void released.push('first'));
  stack.push('second', () => Promise.reject(new Error('stuck')));
  stack.push('third', () => void released.push('third'));
  await expect(stack.release()).rejects.toMatchObject({ errors: [{ message: 'closing second: stuck' }] });
  await stack.release();
  expect(released).toEqual(['third', 'first']);
});
