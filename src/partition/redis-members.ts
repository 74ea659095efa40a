import { atMost } from '../async/deadline.js';
import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Redis } from '../redis.js';
import { partitionKeys } from './keys.js';
import { loadLuaScript, type LuaScript } from './lua-scripts.js';
import type { MemberBeat } from './sightings.js';

/** Dependencies of the Redis half of the membership. */
export interface RedisMembersDeps {
  command: Redis;
  subscriber: Redis;
  prefix: string;
  memberId: string;
  leaseMs: number;
  /** How long to wait for an answer before Redis counts as unavailable. */
  timeoutMs: number;
  clock: Clock;
  log: Logger;
}

/**
 * The members in Redis, for fast hand-overs. Redis may become unavailable at any moment: no method rejects, and
 * correctness rests on the database.
 */
export interface RedisMembers {
  /** Sends a heartbeat and lists the members; undefined if Redis does not answer in time. */
  beat(): Promise<MemberBeat[] | undefined>;
  /** Removes this member and tells the others. */
  leave(): Promise<void>;
  /** Tells the other members to send a heartbeat at once. */
  announce(what: string): Promise<void>;
  /** Calls `onChange` at every announcement of another member, until `signal` aborts. */
  watch(onChange: () => void, signal: AbortSignal): void;
}

/** Creates the Redis half of the membership. */
export function createRedisMembers(deps: RedisMembersDeps): RedisMembers {
  const keys = partitionKeys(deps.prefix);
  const beatScript = loadLuaScript('beat');
  const leaveScript = loadLuaScript('leave');
  const evaluate = ({ text, keyCount }: LuaScript, ...args: string[]): Promise<unknown> =>
    deps.command.eval(text, keyCount, keys.members, keys.version, ...args);
  const withTimeout = createTimeoutGuard(deps);
  let version = 0;
  return {
    async beat() {
      const reply = await withTimeout('beat', () =>
        evaluate(beatScript, deps.memberId, String(deps.leaseMs), keys.changed),
      );
      if (reply === undefined) return undefined;
      const { version: newVersion, beats } = parseBeat(reply as string[]);
      if (newVersion !== version)
        deps.log.debug('members in Redis changed', { version: newVersion, members: beats.length });
      version = newVersion;
      return beats;
    },
    async leave() {
      await withTimeout('leave', () => evaluate(leaveScript, deps.memberId, keys.changed));
    },
    async announce(what) {
      await withTimeout('announce', () => deps.command.publish(keys.changed, `${what} ${deps.memberId}`));
    },
    watch(onChange, signal) {
      watch({ ...deps, channel: keys.changed }, onChange, signal);
    },
  };
}

function watch(deps: RedisMembersDeps & { channel: string }, onChange: () => void, signal: AbortSignal): void {
  const { command, subscriber, channel, memberId, log } = deps;
  const onMessage = (from: string, message: string): void => {
    if (from === channel && !message.endsWith(` ${memberId}`)) onChange();
  };
  subscriber.on('message', onMessage);
  // After a reconnect: messages may have been lost, and the other members do not see this one.
  for (const client of [command, subscriber]) client.on('ready', onChange);
  // The client subscribes again by itself after each reconnect.
  subscriber
    .subscribe(channel)
    .catch((err: unknown) =>
      log.warn('could not subscribe to membership changes: they are seen at the next heartbeat', { err: toError(err) }),
    );
  signal.addEventListener(
    'abort',
    () => {
      subscriber.off('message', onMessage);
      for (const client of [command, subscriber]) client.off('ready', onChange);
      void subscriber.unsubscribe(channel).catch(() => undefined); // the connection is about to be closed by its owner
    },
    { once: true },
  );
}

/** Limits the wait for each call to `timeoutMs`. While a call hangs, further calls return undefined at once. */
function createTimeoutGuard({ clock, timeoutMs, log }: RedisMembersDeps) {
  let hanging = false;
  return async <T>(what: string, call: () => Promise<T>): Promise<T | undefined> => {
    if (hanging) return undefined;
    hanging = true;
    const guarded = call()
      .catch((err: unknown) => void log.debug('Redis did not answer', { what, err: toError(err) }))
      .finally(() => (hanging = false));
    return (await atMost(clock, timeoutMs, guarded)) ?? undefined;
  };
}

function parseBeat([version, now, ...entries]: string[]): { version: number; beats: MemberBeat[] } {
  const beats: MemberBeat[] = [];
  for (let at = 0; at + 1 < entries.length; at += 2) {
    const beatAt = Number(entries[at + 1]);
    beats.push({ id: entries[at] as string, beatAt, ageMs: Number(now) - beatAt });
  }
  return { version: Number(version), beats };
}
