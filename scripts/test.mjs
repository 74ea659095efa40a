// Installs and builds what is missing, runs the compiled tests with jest, and ends with one plain line: N passed, N
// failed. Arguments go to jest; a path below test/ may be given as it is in the source tree. An interrupted run leaves
// no process and no temporary file behind.
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { NotReady, prepare, root } from './prepare.mjs';
import { runProcessGroup } from './process-group.mjs';

const RESULTS = path.join(root, 'build', 'test-results.json');
const JEST = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
// --liftoff-only: the embedded database is a large WASM module, used for seconds; optimizing it does not pay.
const NODE_FLAGS = [
  ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', '--liftoff-only'],
  `--import=${new URL('end-with-parent.mjs', import.meta.url)}`,
];

try {
  prepare();
} catch (thrown) {
  if (!(thrown instanceof NotReady)) throw thrown;
  process.stderr.write(`${thrown.message}\n`);
  end({ passed: 0, failed: 1, skipped: [] });
}

rmSync(RESULTS, { force: true });
const args = process.argv.slice(2).map((arg) => arg.replace(/^(?:\.\/)?test\/(.*)\.ts$/, 'build/test/$1.js'));
const status = await runJest(args);
const outcome = readOutcome();
if (outcome.skipped.length > 0) {
  process.stdout.write(['', 'Skipped:', ...outcome.skipped.map((name) => `  ${name}`), ''].join('\n') + '\n');
  if (process.env.CI === 'true') process.stdout.write('In CI a skipped test is a failure.\n');
}
// jest can fail without a failed test (thresholds, a set-up that breaks): the line must not look like success then.
if (status !== 0 && outcome.failed === 0) outcome.failed = 1;
end(outcome);

async function runJest(more) {
  const temporary = mkdtempSync(path.join(tmpdir(), 'tocsin-tests-'));
  chmodSync(temporary, 0o1777); // servers of the tests run as other accounts
  try {
    return await runProcessGroup(
      process.execPath,
      [...NODE_FLAGS, JEST, '-w', '2', '--json', `--outputFile=${RESULTS}`, ...more],
      { cwd: root, stdio: ['ignore', 2, 2], env: { ...process.env, TMPDIR: temporary } },
    );
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function readOutcome() {
  try {
    const results = JSON.parse(readFileSync(RESULTS, 'utf8'));
    return {
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.testResults.flatMap(skippedIn),
    };
  } catch {
    return { passed: 0, failed: 1, skipped: [] };
  }
}

function skippedIn({ name, assertionResults }) {
  const file = path.relative(path.join(root, 'build'), name).replace(/\.js$/, '.ts');
  return assertionResults
    .filter((test) => ['pending', 'skipped', 'todo'].includes(test.status))
    .map((test) => `${file}: ${test.fullName}`);
}

function end({ passed, failed, skipped }) {
  const more = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
  process.stdout.write(`${passed} passed, ${failed} failed${more}\n`);
  process.exit(failed > 0 || (process.env.CI === 'true' && skipped.length > 0) ? 1 : 0);
}
