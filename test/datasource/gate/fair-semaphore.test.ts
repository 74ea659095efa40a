import { beforeEach, expect, test } from '@jest/globals';

import type { RequestOrigin } from '../../../src/datasource/gate/queue-ticket.js';
import { FairSemaphore } from '../../../src/datasource/gate/fair-semaphore.js';
import { NotSent } from '../../../src/datasource/gate/backend-unavailable.js';
import { FakeClock } from '../../support/fake-clock.js';

const CONCURRENCY = 2;

let clock: FakeClock;
let slots: FairSemaphore;
/** The questions that were asked, in order, and how each is answered. */
let asked: string[];
let answers: Map<string, () => void>;

beforeEach(() => {
  clock = new FakeClock();
  slots = new FairSemaphore({ concurrency: CONCURRENCY, clock });
  asked = [];
  answers = new Map();
});

function of(project: string, n: number | string = 0): RequestOrigin {
  return { project, query: `${project}${n}` };
}

function ask(origin: RequestOrigin | undefined, signal?: AbortSignal): void {
  const question = origin?.query ?? 'shared';
  const work = (): Promise<void> => {
    asked.push(question);
    return new Promise((resolve) => answers.set(question, resolve));
  };
  void slots.run(work, origin, signal);
}

async function settle(): Promise<void> {
  await clock.advance(0);
}

/** Answers what is under way until nothing waits any more. */
async function answerAll(): Promise<void> {
  await settle();
  for (let [next] = answers; next; [next] = answers) {
    answers.delete(next[0]);
    next[1]();
    await settle();
  }
}

test('projects take turns, and so does each request of several; what one project asks is asked in its order', async () => {
  for (const origin of [of('a', 0), of('a', 1), of('a', 2), undefined, undefined, of('b', 0), of('b', 1)]) ask(origin);
  await answerAll();
  expect(asked).toEqual(['a0', 'shared', 'shared', 'b0', 'a1', 'b1', 'a2']);
});

test('a project whose request took long comes after the others, whenever they ask, and that request last of all, with half of the slots', async () => {
  slots.markSlow(of('slow', 'est'));
  for (const origin of [of('slow', 'est'), of('slow', 1), of('slow', 2), of('a', 0), of('a', 1)]) ask(origin);
  await settle();
  expect(asked).toEqual(['a0', 'a1']);
  answers.get('a0')!();
  answers.get('a1')!();
  await settle();
  expect(asked.slice(2)).toEqual(['slow1']);
  ask(of('b'));
  await settle();
  expect(asked.slice(3)).toEqual(['b0']);
  answers.get('slow1')!();
  await answerAll();
  expect(asked.slice(4)).toEqual(['slow2', 'slowest']);
});

test('what took long is forgotten after a while, or if it was the backend', async () => {
  slots.markSlow(of('a', 0));
  await clock.advance(300_000);
  slots.markSlow(of('b', 0));
  slots.forgetSlow();
  for (const origin of [of('a', 0), of('b', 0), of('c', 0)]) ask(origin);
  await answerAll();
  expect(asked).toEqual(['a0', 'b0', 'c0']);
});

test('those who have half of the slots between them take turns from one batch to the next, whoever asks first', async () => {
  const all = Array.from({ length: 5 }, (_, n) => of(`slow${n}`));
  for (const origin of all) slots.markSlow(origin);
  for (let batch = 0; batch < all.length; batch += 1) {
    const late = new AbortController();
    for (const origin of all) ask(origin, late.signal);
    await settle();
    late.abort();
    answers.get(asked.at(-1)!)!();
    await settle();
  }
  expect(asked).toEqual(all.map(({ query: question }) => question));
});

test('whoever is not waited for any more is not asked, and takes nobody else’s turn', async () => {
  const late = new AbortController();
  ask(of('a', 0));
  ask(of('b', 0));
  await settle();
  for (const origin of [of('c', 0), of('c', 1), undefined]) ask(origin, late.signal);
  ask(of('c', 2));
  late.abort();
  await answerAll();
  expect(asked).toEqual(['a0', 'b0', 'c2']);
});

test('work that fails gives its slot back', async () => {
  const failing = Array.from({ length: 3 * CONCURRENCY }, () =>
    slots.run(() => Promise.reject(new Error('no')), of('a')),
  );
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(
    Array(3 * CONCURRENCY).fill('rejected'),
  );
  ask(of('a'));
  await answerAll();
  expect(asked).toEqual(['a0']);
});

interface Queued {
  project: string;
  ticket: number;
  isShared?: boolean;
  isRetry?: boolean;
  sendBy?: AbortSignal;
}

/** A request whose question is named by its project and ticket. */
function queue({ project, ticket, isShared = false, isRetry = false, sendBy }: Queued): Promise<unknown> {
  const question = `${project}${ticket}`;
  const work = (): Promise<void> => {
    asked.push(question);
    return new Promise((resolve) => answers.set(question, resolve));
  };
  return slots.run(work, { project: JSON.stringify(project), query: question }, undefined, {
    ticket,
    projects: [project],
    isShared,
    isRetry,
    sendBy,
  });
}

test('the lowest ticket of a project comes first, projects in a round robin, and retries after all that is due', async () => {
  void queue({ project: 'a', ticket: 1, isRetry: true });
  for (const ticket of [5, 3, 4]) void queue({ project: 'a', ticket });
  for (const ticket of [8, 7]) void queue({ project: 'b', ticket });
  await answerAll();
  expect(asked).toEqual(['a3', 'b7', 'a4', 'b8', 'a5', 'a1']);
});

test('the round robin of projects goes on from one batch to the next', async () => {
  for (let batch = 0; batch < 3; batch += 1) {
    const late = new AbortController();
    const given = ['a', 'b', 'c', 'd'].map((project) => queue({ project, ticket: batch, sendBy: late.signal }));
    await settle();
    late.abort();
    for (const answer of answers.values()) answer();
    answers.clear();
    await Promise.allSettled(given);
  }
  expect(asked.map((question) => question[0]).join('')).toBe('abcdab');
});

test('shared and single requests of a project alternate, so that neither kind waits behind all of the other', async () => {
  for (const ticket of [1, 2, 3, 4]) void queue({ project: 'a', ticket });
  for (const ticket of [11, 12]) void queue({ project: 'a', ticket, isShared: true });
  await answerAll();
  expect(asked).toEqual(['a11', 'a1', 'a12', 'a2', 'a3', 'a4']);
});

test('a request that is not sent in time fails with NotSent, unlike one that was sent and not answered', async () => {
  const late = new AbortController();
  const all = [1, 2, 3].map((ticket) => queue({ project: 'a', ticket, sendBy: late.signal }));
  await settle();
  late.abort();
  await expect(all[2]).rejects.toThrow(NotSent);
  await answerAll();
  expect(await Promise.all(all.slice(0, 2))).toEqual([undefined, undefined]);
  expect(asked).toEqual(['a1', 'a2']);
});

test('one request in fifty is a slow one while other requests never end', async () => {
  slots.markSlow({ project: '"slow"', query: 'slow0' });
  void queue({ project: 'slow', ticket: 0 });
  for (let ticket = 1; ticket <= 200; ticket += 1) void queue({ project: 'a', ticket });
  await answerAll();
  expect(asked.indexOf('slow0')).toBeLessThanOrEqual(51);
});

test('a request without an origin does not wait for the slow requests of its project', async () => {
  for (const ticket of [1, 2, 3]) slots.markSlow({ project: '"a"', query: `a${ticket}` });
  for (const ticket of [1, 2, 3]) void queue({ project: 'a', ticket });
  await settle();
  expect(asked).toEqual(['a1']);
  const place = { projects: ['a'], isShared: true, isRetry: false, sendBy: undefined };
  const shared = (ticket: number) => (): Promise<unknown> => Promise.resolve(asked.push(`shared${ticket}`));
  for (const ticket of [11, 12]) void slots.run(shared(ticket), undefined, undefined, { ticket, ...place });
  await settle();
  expect(asked).toEqual(['a1', 'shared11', 'shared12']);
  await answerAll();
  expect(asked.slice(3)).toEqual(['a2', 'a3']);
});
