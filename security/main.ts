/**
 * Attacks the service: forbidden receivers, rate limits, and requests that keep others waiting. `npm run security`
 * runs all parts, `npm run security -- egress` one, and `--quick` those that take a minute and measure no time. Prints
 * a line for each claim with the number of tries, and the parts that could not be tried. The exit code is 1 if a claim
 * is false.
 */
import { tryAttacks } from './attacks/attacks.js';
import { tryEgress } from './egress/egress.js';
import { textOf, type Finding } from './finding.js';
import { tryLimits } from './limits/limits.js';

interface Part {
  run: () => Promise<Finding[] | string>;
  /** True if it takes a minute and does not measure time. */
  isQuick: boolean;
}

const PARTS: Readonly<Record<string, Part>> = {
  egress: { run: tryEgress, isQuick: true },
  limits: { run: tryLimits, isQuick: true },
  attacks: { run: tryAttacks, isQuick: false },
};

const QUICK = '--quick';
const wanted = process.argv.slice(2).filter((argument) => argument !== QUICK);
const onlyQuick = process.argv.includes(QUICK);
const unknown = wanted.filter((part) => !(part in PARTS));
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(', ')}; parts are ${Object.keys(PARTS).join(', ')}\n`);
  process.exit(2);
}
let faults = 0;
for (const [part, { run, isQuick }] of Object.entries(PARTS)) {
  if (onlyQuick && !isQuick) continue;
  if (wanted.length > 0 && !wanted.includes(part)) continue;
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
