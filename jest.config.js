/** Tests run on the compiled code, the same files that ship: no second compiler to disagree with. */
export default {
  rootDir: 'build/test',
  testEnvironment: 'node',
  // Those that take minutes, and wait for parts that take their time: `npm run test:long` runs them.
  testPathIgnorePatterns: process.env.TOCSIN_TEST_LONG === undefined ? ['\\.long\\.test\\.js$'] : [],
  transform: {},
  // Only a test that hangs takes so long: no test depends on the speed of the machine.
  testTimeout: 600_000,
  // A worker whose heap has grown beyond this is replaced after its test file: modules of each file stay in it. The
  // memory of embedded databases is no part of the heap; it goes when a file closes them.
  workerIdleMemoryLimit: '256MB',
  // Giving that back takes longer than the 500 ms after which jest would kill a worker and speak of a leak. What is
  // really left open is still reported.
  workerGracefulExitTimeout: 10_000,
  // Not in the folder for temporary files, which goes with the run: it holds how long each file took.
  cacheDirectory: '<rootDir>/../jest-cache',
  globalSetup: './support/global-setup.js',
  globalTeardown: './support/global-teardown.js',
};
