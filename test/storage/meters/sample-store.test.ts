import { describe } from '@jest/globals';

import { sampleStoreContract } from '../../contract/sample-store.js';
import { embeddedDatabase, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';

describe('samples in PGlite', () => sampleStoreContract(embeddedDatabase));
describeWithPostgres('samples in PostgreSQL', () => sampleStoreContract(serverDatabase));
