import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { openApiDocument } from '../../src/api/openapi/document.js';
import { apiRoutes, type ApiDeps } from '../../src/api/api-routes.js';
import { clientTypes } from './client-types.js';

/** Seen from build/dev/client/. */
const TYPES = fileURLToPath(new URL('../../../src/client/openapi-types.ts', import.meta.url));

/** Only handlers need more, and none of them runs. With these two the API has all of its routes. */
const WITH_ALL_ROUTES = { apiKeys: {}, metrics: () => undefined } as unknown as ApiDeps;

writeFileSync(TYPES, await clientTypes(openApiDocument(apiRoutes(WITH_ALL_ROUTES), '')));
console.log(`wrote ${path.relative(process.cwd(), TYPES)}`);
