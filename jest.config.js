/** Tests run on the compiled code, the same files that ship: no second compiler to disagree with. */
export default {
  rootDir: 'build/test',
  testEnvironment: 'node',
  transform: {},
  testTimeout: 240_000,
  globalSetup: './support/global-setup.js',
  globalTeardown: './support/global-teardown.js',
};
