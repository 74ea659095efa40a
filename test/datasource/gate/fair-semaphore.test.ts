import { beforeEach, expect, test } from '@jest/globals';

import type { RequestOrigin } from '../../../src/datasource/gate/queue-ticket.js';
import { FairSemaphore } from '../../../src/datasource/gate/fair-semaphore.js';
import { NotSent } from '../../../src/datasource/gate/not-sent.js';
import { FakeClock } from '../../support/fake-clock.js';

const CONCURRENCY = 2;

let clock: FakeClock;
let semaphore: FairSemaphore;
/** The requests that were sent, in order, and functions that answer each. */
let sent: string[];
let answers: Map<string, () => void>;

beforeEach(() => {
  clock = new FakeClock();
  semaphore = new FairSemaphore({ concurrency: CONCURRENCY, clock });
  sent = [];
  answers = new Map();
});

function of(project: string, n: number | string = 0): RequestOrigin {
  return { project, query: `${project}${n}` };
}

function ask(origin: RequestOrigin | undefined, signal?: AbortSignal): void {
  const query = origin?.query ?? 'shared';
  const work = (): Promise<void> => {
    sent.push(query);
    return new Promise((resolve) => answers.set(query, resolve));
  };
  void semaphore.run(work, origin, signal);
}

async function settle(): Promise<void> {
  await clock.advance(0);
}

/** Answers requests under way until none wait. */
async function answerAll(): Promise<void> {
  await settle();
  for (let [next] = answers; next; [next] = answers) {
    answers.delete(next[0]);
    next[1]();
    await settle();
  }
}

test(
  'projects are served in a round robin, and so is each request of ' +
    'several projects; requests of one project keep their order',
  async () => {
    for (const origin of [of('a', 0), of('a', 1), of('a', 2), undefined, undefined, of('b', 0), of('b', 1)])
      ask(origin);
    await answerAll();
    expect(sent).toEqual(['a0', 'shared', 'shared', 'b0', 'a1', 'b1', 'a2']);
  },
);

test(
  'a project with a slow request is served after the others, whenever they ' +
    'arrive, and the slow query last of all, with half of the permits',
  async () => {
    semaphore.markSlow(of('slow', 'est'));
    for (const origin of [of('slow', 'est'), of('slow', 1), of('slow', 2), of('a', 0), of('a', 1)]) ask(origin);
    await settle();
    expect(sent).toEqual(['a0', 'a1']);
    answers.get('a0')!();
    answers.get('a1')!();
    await settle();
    expect(sent.slice(2)).toEqual(['slow1']);
    ask(of('b'));
    await settle();
    expect(sent.slice(3)).toEqual(['b0']);
    answers.get('slow1')!();
    await answerAll();
    expect(sent.slice(4)).toEqual(['slow2', 'slowest']);
  },
);

test('a slow request is forgotten after five minutes, and when the backend was the cause', async () => {
  semaphore.markSlow(of('a', 0));
  await clock.advance(300_000);
  semaphore.markSlow(of('b', 0));
  semaphore.forgetSlow();
  for (const origin of [of('a', 0), of('b', 0), of('c', 0)]) ask(origin);
  await answerAll();
  expect(sent).toEqual(['a0', 'b0', 'c0']);
});

test(
  'projects with slow requests share half of the permits in a ' + 'round robin that goes on from batch to batch',
  async () => {
    const all = Array.from({ length: 5 }, (_, n) => of(`slow${n}`));
    for (const origin of all) semaphore.markSlow(origin);
    for (let batch = 0; batch < all.length; batch += 1) {
      const late = new AbortController();
      for (const origin of all) ask(origin, late.signal);
      await settle();
      late.abort();
      answers.get(sent.at(-1)!)!();
      await settle();
    }
    expect(sent).toEqual(all.map(({ query }) => query));
  },
);

test('a request that was aborted is not sent, and delays no other', async () => {
  const late = new AbortController();
  ask(of('a', 0));
  ask(of('b', 0));
  await settle();
  for (const origin of [of('c', 0), of('c', 1), undefined]) ask(origin, late.signal);
  ask(of('c', 2));
  late.abort();
  await answerAll();
  expect(sent).toEqual(['a0', 'b0', 'c2']);
});

test('work that fails releases its permit', async () => {
  const failing = Array.from({ length: 3 * CONCURRENCY }, () =>
    semaphore.run(() => Promise.reject(new Error('no')), of('a')),
  );
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(
    Array(3 * CONCURRENCY).fill('rejected'),
  );
  ask(of('a'));
  await answerAll();
  expect(sent).toEqual(['a0']);
});

interface Queued {
  project: string;
  ticket: number;
  isShared?: boolean;
  isRetry?: boolean;
  sendBy?: AbortSignal;
}

/** A request whose query is named by its project and ticket. */
function queue({ project, ticket, isShared = false, isRetry = false, sendBy }: Queued): Promise<unknown> {
  const query = `${project}${ticket}`;
  const work = (): Promise<void> => {
    sent.push(query);
    return new Promise((resolve) => answers.set(query, resolve));
  };
  return semaphore.run(work, { project: JSON.stringify(project), query }, undefined, {
    ticket,
    projects: [project],
    isShared,
    isRetry,
    sendBy,
  });
}

test(
  'the lowest ticket of a project comes first, projects in a ' + 'round robin, and retries after all that is due',
  async () => {
    void queue({ project: 'a', ticket: 1, isRetry: true });
    for (const ticket of [5, 3, 4]) void queue({ project: 'a', ticket });
    for (const ticket of [8, 7]) void queue({ project: 'b', ticket });
    await answerAll();
    expect(sent).toEqual(['a3', 'b7', 'a4', 'b8', 'a5', 'a1']);
  },
);

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
  expect(sent.map((query) => query[0]).join('')).toBe('abcdab');
});

test(
  'shared and single requests of a project alternate, so that ' + 'neither kind waits behind all of the other',
  async () => {
    for (const ticket of [1, 2, 3, 4]) void queue({ project: 'a', ticket });
    for (const ticket of [11, 12]) void queue({ project: 'a', ticket, isShared: true });
    await answerAll();
    expect(sent).toEqual(['a11', 'a1', 'a12', 'a2', 'a3', 'a4']);
  },
);

test('a request that is not sent in time fails with NotSent, unlike one that was sent and not answered', async () => {
  const late = new AbortController();
  const all = [1, 2, 3].map((ticket) => queue({ project: 'a', ticket, sendBy: late.signal }));
  await settle();
  late.abort();
  await expect(all[2]).rejects.toThrow(NotSent);
  await answerAll();
  expect(await Promise.all(all.slice(0, 2))).toEqual([undefined, undefined]);
  expect(sent).toEqual(['a1', 'a2']);
});

test('one request in fifty is a slow one while other requests never end', async () => {
  semaphore.markSlow({ project: '"slow"', query: 'slow0' });
  void queue({ project: 'slow', ticket: 0 });
  for (let ticket = 1; ticket <= 200; ticket += 1) void queue({ project: 'a', ticket });
  await answerAll();
  expect(sent.indexOf('slow0')).toBeLessThanOrEqual(51);
});

test('a request without an origin does not wait for the slow requests of its project', async () => {
  for (const ticket of [1, 2, 3]) semaphore.markSlow({ project: '"a"', query: `a${ticket}` });
  for (const ticket of [1, 2, 3]) void queue({ project: 'a', ticket });
  await settle();
  expect(sent).toEqual(['a1']);
  const place = { projects: ['a'], isShared: true, isRetry: false, sendBy: undefined };
  const shared = (ticket: number) => (): Promise<unknown> => Promise.resolve(sent.push(`shared${ticket}`));
  for (const ticket of [11, 12]) void semaphore.run(shared(ticket), undefined, undefined, { ticket, ...place });
  await settle();
  expect(sent).toEqual(['a1', 'shared11', 'shared12']);
  await answerAll();
  expect(sent.slice(3)).toEqual(['a2', 'a3']);
});
