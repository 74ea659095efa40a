/** Tests texts against regular expressions in a worker thread: one test of a long text can take seconds. */
import { RE2JS } from 're2js';
import { parentPort } from 'node:worker_threads';

import type { PatternReply, PatternRequest } from './pattern-matcher.js';

const port = parentPort;
if (!port) throw new Error('pattern-worker runs in a worker thread only');
port.postMessage({ id: 0, truths: [] } satisfies PatternReply); // it has started

port.on('message', ({ id, source, texts }: PatternRequest) => {
  const compiled = RE2JS.compile(source);
  port.postMessage({ id, truths: texts.map((text) => compiled.test(text)) } satisfies PatternReply);
});
