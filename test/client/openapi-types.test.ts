import { expect, test } from '@jest/globals';

import { clientTypes } from '../../dev/client/client-types.js';
import { startApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';
import { sourceOf } from '../support/source-tree.js';

test('src/client/openapi-types.ts is what npm run generate:client makes of /openapi.json', async () => {
  const db = await anyDatabase();
  const api = await startApi(db);
  try {
    const document = (await api.ask('GET', '/openapi.json')).json<object>();
    expect(await clientTypes(document)).toBe(sourceOf('src/client/openapi-types.ts'));
  } finally {
    await api.close();
    await db.close();
  }
});
