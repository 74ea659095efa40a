import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import { UpstreamRefusal } from '../../src/errors.js';
import type { Database } from '../../src/storage/database.js';
import { startApi, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
});
afterEach(() => api.close());
afterAll(() => db.close());

test.each([
  [400, 'Resource type x does not exist', '"faultcode": "Client", "faultstring": "Resource type x does not exist"'],
  [
    409,
    { cause: 'Übel', detail: [['id', 60]] },
    String.raw`"faultcode": "Client", "faultstring": {"cause": "\u00dcbel", "detail": [["id", 60]]}`,
  ],
  [503, 'Metric is locked', '"faultcode": "Server", "faultstring": "Metric is locked"'],
])(
  'what another service refuses with %i is told in its words and with its status',
  async (status, description, members) => {
    api = await startApi(db, { authenticate: () => Promise.reject(new UpstreamRefusal(status, description)) });
    const answer = await api.ask('GET', '/v2/alarms');
    expect(answer.status).toBe(status);
    expect(answer.text).toBe(`{"error_message": {${members}, "debuginfo": null}}`);
    expect(answer.headers['retry-after']).toBeUndefined();
  },
);
