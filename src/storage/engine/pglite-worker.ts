/** Runs PGlite in a worker thread, so that a slow statement does not block the event loop of the service. */
import { PGlite } from '@electric-sql/pglite';
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

import { toError } from '../../errors.js';
import type { WorkerData, WorkerReply, WorkerRequest } from './pglite.js';

const INT8 = 20;
const port = parentPort;
if (!port) throw new Error('pglite-worker runs in a worker thread only');

const { dataDir, dumpFile } = workerData as WorkerData;
const database = await PGlite.create({
  ...(dataDir === undefined ? {} : { dataDir }),
  ...(dumpFile === undefined ? {} : { loadDataDir: new Blob([readFileSync(dumpFile)]) }),
  parsers: { [INT8]: Number },
});
port.postMessage({ id: 0, rows: [], rowCount: 0 } satisfies WorkerReply);

port.on('message', (request: WorkerRequest) => {
  void answer(request).then((reply) => port.postMessage(reply));
});

async function answer({ id, text, parameters }: WorkerRequest): Promise<WorkerReply> {
  try {
    if (text === undefined) {
      await database.close();
      return { id, rows: [], rowCount: 0 };
    }
    const { rows, affectedRows } = await database.query(text, [...(parameters ?? [])]);
    return { id, rows, rowCount: affectedRows ?? 0 };
  } catch (thrown) {
    const error = toError(thrown) as Error & { code?: string };
    return {
      id,
      error: { name: error.name, message: error.message, ...(error.code === undefined ? {} : { code: error.code }) },
    };
  }
}
