import type { Authenticator } from '../api/identity/identity.js';
import { StreamHub } from '../api/stream/stream-hub.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/schema.js';
import type { Chore } from '../housekeeping.js';
import type { Logger } from '../logger.js';
import type { Database } from '../storage/database.js';
import { createStreamStore, STREAM_PRUNE_BATCH } from '../storage/stream/stream-store.js';
import type { Telemetry } from '../telemetry.js';
import type { StreamWaker } from './stream-wakers.js';

export interface StreamsDeps {
  config: Config;
  db: Database;
  clock: Clock;
  log: Logger;
  telemetry: Pick<Telemetry, 'streams' | 'streamsEnded'>;
  authenticate: Authenticator;
  streamWaker: StreamWaker;
}

/** The streams of the API. */
export function openStreams({ config, db, clock, log, telemetry, authenticate, streamWaker }: StreamsDeps): StreamHub {
  const { max_streams: inAll, max_project_streams: perProject, keep_stream_events: keepMs } = config.api;
  const streams = new StreamHub({
    store: createStreamStore(db),
    authenticate,
    clock,
    log,
    random: Math.random,
    limits: { inAll, perProject },
    keepMs,
    onChange(open, ended) {
      telemetry.streams.set(open);
      if (ended !== undefined) telemetry.streamsEnded.inc({ reason: ended });
    },
  });
  streamWaker.onWake(() => streams.wake());
  return streams;
}

/** Notes of the time at which transactions were over, in the time for which events are kept. */
const MARKS = 24;
const MOST_BETWEEN_MS = 60_000;

/** Notes how old events are, and deletes what is kept for the stream alone. */
export function streamChore({ config, db }: Pick<StreamsDeps, 'config' | 'db'>): Chore {
  const { keep_stream_events: keepMs } = config.api;
  const store = createStreamStore(db);
  return {
    name: 'stream',
    everyMs: Math.min(keepMs / MARKS, MOST_BETWEEN_MS),
    batch: STREAM_PRUNE_BATCH,
    async run(now) {
      const before = (ageMs: number): Date => new Date(now.getTime() - ageMs);
      await store.mark(now, before(keepMs / MARKS));
      return store.prune(before(keepMs));
    },
  };
}
