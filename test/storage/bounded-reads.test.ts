import { describe } from '@jest/globals';

import { boundedReadsContract } from '../contract/bounded-reads.js';
import { embeddedDatabase, serverDatabase } from '../support/databases.js';
import { describeWithPostgres } from '../support/servers.js';

describe('reads of the API from PGlite', () => boundedReadsContract(embeddedDatabase));
describeWithPostgres('reads of the API from PostgreSQL', () => boundedReadsContract(serverDatabase));
