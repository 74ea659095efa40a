import type { Config } from '../config/schema.js';
import type { Logger } from '../logger.js';
import { createRedis } from '../redis.js';
import type { ReleaseStack } from '../release-stack.js';

/** Tells the readers of the stream, in all processes, that there may be events. A wake-up can be lost or late. */
export interface StreamWaker {
  /** Never throws or blocks. */
  wake(): void;
  /** Sets the one listener of this process. */
  onWake(listener: () => void): void;
}

/** With Redis, wake-ups reach all processes; without it, this one: readers of others look in the database. */
export function openStreamWaker(config: Config, log: Logger, resources: ReleaseStack): StreamWaker {
  let listener: () => void = () => undefined;
  const url = config.redis.url?.reveal();
  const onWake = (next: () => void): void => void (listener = next);
  if (url === undefined) return { wake: () => listener(), onWake };
  const channel = `${config.redis.prefix}:stream`;
  const publisher = createRedis(url, 'command', log);
  resources.push('Redis of the stream', () => publisher.disconnect());
  if (config.roles.includes('api')) {
    const subscriber = createRedis(url, 'subscriber', log);
    resources.push('Redis subscription of the stream', () => subscriber.disconnect());
    subscriber.on('message', () => listener());
    subscriber.subscribe(channel).catch(() => undefined); // the client logs outages and subscribes again
  }
  let isPublishing = false;
  let isWanted = false;
  const publish = (): void => {
    isWanted = isPublishing;
    if (isPublishing) return;
    isPublishing = true;
    const published = (): void => {
      isPublishing = false;
      if (isWanted) publish();
    };
    publisher.publish(channel, '').then(published, published);
  };
  return {
    wake: () => {
      listener();
      publish();
    },
    onWake,
  };
}

/** The function, whose changes wake the readers of the stream. */
export function wakingStream<Args extends unknown[], Result>(
  work: (...args: Args) => Promise<Result>,
  waker: Pick<StreamWaker, 'wake'>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    const result = await work(...args);
    waker.wake();
    return result;
  };
}

/** The observer of answers; each change by the API wakes the readers of the stream. */
export function wakingAfterChanges(
  onAnswer: (method: string, status: number) => void,
  waker: Pick<StreamWaker, 'wake'>,
): (method: string, status: number) => void {
  return (method, status) => {
    onAnswer(method, status);
    if (method !== 'GET' && status < 300) waker.wake();
  };
}
