import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { createApp } from '../../src/app.js';
import { version } from '../../src/cli/version.js';
import { parseConfig } from '../../src/config/parse.js';
import { clientTypes } from './client-types.js';

/** Seen from build/dev/client/. */
const TYPES = fileURLToPath(new URL('../../../src/client/openapi-types.ts', import.meta.url));

/** The OpenAPI document of the API on a new database. Only with API keys it has all operations. */
async function readDocument(): Promise<object> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tocsin-client-'));
  const config = parseConfig({
    api: { port: 0 },
    auth: { mode: 'apikey' },
    database: { data_dir: path.join(folder, 'data') },
    log: { level: 'warn' },
  });
  const app = await createApp(config, { version: version(), pid: process.pid });
  try {
    await app.start();
    const answer = await fetch(`${app.url}/openapi.json`);
    return (await answer.json()) as object;
  } finally {
    await app.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

writeFileSync(TYPES, await clientTypes(await readDocument()));
console.log(`wrote ${path.relative(process.cwd(), TYPES)}`);
