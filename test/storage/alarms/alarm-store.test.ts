import { describe } from '@jest/globals';

import { alarmStoreContract } from '../../contract/alarm-store.js';
import { embeddedDatabase, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';

describe('alarms in PGlite', () => alarmStoreContract(embeddedDatabase));
describeWithPostgres('alarms in PostgreSQL', () => alarmStoreContract(serverDatabase));
