import { describe } from '@jest/globals';

import { eventStoreContract } from '../../contract/event-store.js';
import { embeddedDatabase, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';

describe('events in PGlite', () => eventStoreContract(embeddedDatabase));
describeWithPostgres('events in PostgreSQL', () => eventStoreContract(serverDatabase));
