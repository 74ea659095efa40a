import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const LOGGER = fileURLToPath(new URL('../src/logger.js', import.meta.url));

test.each([
  { what: 'a token of Keystone', secret: `gAAAAAB${'c-_9'.repeat(20)}==` },
  { what: 'an API key', secret: `ak_abcdefgh2345_${'A'.repeat(43)}` },
  { what: 'a password in a URL', secret: '//user:hunter2@' },
])('$what that slips into a message does not leave the process', ({ secret }) => {
  const program = `import { createLogger } from ${JSON.stringify(LOGGER)};
    createLogger('info').warn('trouble', { err: new Error('asked with http:' + process.argv[1]) });`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program, secret], { encoding: 'utf8' });
  expect(stderr).toContain('asked with http:');
  expect(stderr).toContain('***');
  expect(stderr).not.toContain(secret);
});
