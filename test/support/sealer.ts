import { createSealer } from '../../src/storage/secrets/sealed.js';

/** The key of `TEST_SEALER`. */
export const TEST_KEY = Buffer.alloc(32, 7);
/** Seals with a key that is the same in all tests. */
export const TEST_SEALER = createSealer({ current: TEST_KEY, previous: [] });
/** A service on PostgreSQL without `secrets.key`. */
export const WITHOUT_KEY = createSealer({ current: undefined, previous: [] });
