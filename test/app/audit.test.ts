import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';

import { openServiceAudit } from '../../src/app/audit.js';
import { parseConfig } from '../../src/config/parse.js';
import { silentLogger } from '../../src/logger.js';
import { ReleaseStack } from '../../src/release-stack.js';
import { createAuditStore } from '../../src/storage/audit/audit-store.js';
import type { Database } from '../../src/storage/database.js';
import { createTelemetry } from '../../src/telemetry.js';
import { anyDatabase, empty } from '../support/databases.js';
import { FakeClock } from '../support/fake-clock.js';

let db: Database;
beforeAll(async () => {
  db = await anyDatabase();
});
beforeEach(() => empty(db));
afterAll(() => db.close());

const KEYSTONE = { auth_url: 'http://127.0.0.1:5000/v3', username: 'tocsin', password: 'secret' };
const EXPOSED = { host: '0.0.0.0', i_understand_noauth_is_open: true };

test.each([
  { given: {}, named: undefined },
  { given: { api: EXPOSED }, named: ['api.i_understand_noauth_is_open'] },
  { given: { api: { ...EXPOSED, host: '127.0.0.1' } }, named: undefined },
  { given: { api: EXPOSED, auth: { mode: 'apikey' } }, named: undefined },
  { given: { egress: { allow_loopback_receivers: true } }, named: ['egress.allow_loopback_receivers'] },
  { given: { keystone: KEYSTONE }, named: ['notifier.trust_actions_over_http'] },
  { given: { keystone: KEYSTONE, notifier: { trust_actions_over_http: false } }, named: undefined },
  { given: { egress: { allow_loopback_receivers: true }, audit: { enabled: false } }, named: undefined },
])('a start with $given is in the audit trail as $named', async ({ given, named }) => {
  const resources = new ReleaseStack();
  const parts = { db, clock: new FakeClock(), log: silentLogger, telemetry: createTelemetry(), resources };
  await openServiceAudit({ ...parts, config: parseConfig(given) });
  await resources.release();
  const entries = await createAuditStore(db).list({ all: true }, { limit: 10 });
  expect(entries.map(({ action, changed }) => ({ action, changed }))).toEqual(
    named ? [{ action: 'service.start', changed: named }] : [],
  );
});
