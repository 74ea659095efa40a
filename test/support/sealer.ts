import { createSealer } from '../../src/storage/secrets/sealed.js';

/** Seals with a key that is the same in all tests. */
export const TEST_SEALER = createSealer({ current: Buffer.alloc(32, 7), previous: [] });
/** A service on PostgreSQL without `secrets.key`. */
export const WITHOUT_KEY = createSealer({ current: undefined, previous: [] });
