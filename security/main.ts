/**
 * Attacks the service: forbidden receivers, secrets in what it shows, rate limits, requests that keep others waiting,
 * and the objects of other projects. `npm run security` runs all parts, `npm run security -- egress` one, and `--quick`
 * those that take a minute, measure no time and are no part of `npm test`. Prints a line for each claim with the number
 * of tries, and the parts that could not be tried. The exit code is 1 if a claim is false.
 */
import { tryAttacks } from './attacks/attacks.js';
import { tryEgress } from './egress/egress.js';
import { textOf, type Finding } from './finding.js';
import { tryLimits } from './limits/limits.js';
import { runTests } from './tests/run-tests.js';

interface Part {
  run: () => Promise<Finding[] | string>;
  /** Why `--quick` leaves it out; undefined if it does not. */
  notQuick?: string;
}

const IN_TESTS = 'npm test runs its tests';
const PARTS: Readonly<Record<string, Part>> = {
  egress: { run: tryEgress },
  canaries: { run: () => runTests('test/e2e/canaries.test.ts'), notQuick: IN_TESTS },
  limits: { run: tryLimits },
  attacks: { run: tryAttacks, notQuick: 'it measures time' },
  matrix: { run: () => runTests('test/api/access-matrix.test.ts'), notQuick: IN_TESTS },
};

const QUICK = '--quick';
const wanted = process.argv.slice(2).filter((argument) => argument !== QUICK);
const onlyQuick = process.argv.includes(QUICK);
const unknown = wanted.filter((part) => !Object.hasOwn(PARTS, part));
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(', ')}; parts are ${Object.keys(PARTS).join(', ')}\n`);
  process.exit(2);
}
let faults = 0;
for (const [part, { run, notQuick }] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(part)) continue;
  if (onlyQuick && notQuick !== undefined) {
    process.stdout.write(`LEFT OUT ${part}: ${notQuick}\n`);
    continue;
  }
  const findings = await run();
  if (typeof findings === 'string') {
    process.stdout.write(`NOT TRIED ${part}: ${findings}\n`);
    continue;
  }
  for (const finding of findings) {
    faults += finding.faults.length;
    process.stdout.write(`${textOf(finding)}\n`);
  }
}
process.exitCode = faults > 0 ? 1 : 0;
