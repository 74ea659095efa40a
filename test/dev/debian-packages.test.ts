import { expect, test } from '@jest/globals';

import { ensureDebianPackages, type InstallableProgram } from '../../dev/servers/debian-packages.js';

const here: InstallableProgram = { name: 'Something', debianPackage: 'something', find: () => '/usr/bin/something' };
const missing: InstallableProgram = { name: 'Another', debianPackage: 'another', find: () => undefined };

test('a present program is not installed, and nothing is printed', async () => {
  const said: string[] = [];
  await ensureDebianPackages([here], { neededBy: 'a test', say: (line) => said.push(line), environment: {} });
  expect(said).toEqual([]);
});

test('with TOCSIN_NO_INSTALL=1 a missing program is named with the command to install it', async () => {
  const options = { neededBy: 'a test', say: () => undefined, environment: { TOCSIN_NO_INSTALL: '1' } };
  await expect(ensureDebianPackages([here, missing], options)).rejects.toThrow(
    'Another, needed by a test, not found, and TOCSIN_NO_INSTALL=1 forbids installing: run apt-get install another',
  );
});
