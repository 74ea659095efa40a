/**
 * Tries to get out, in and in the way: `npm run security` runs all parts, `npm run security -- egress` some. Prints a
 * line for each claim with the number of tries, and what could not be tried. The exit code is 1 if a claim is false.
 */
import { tryAttacks } from './attacks/attacks.js';
import { tryEgress } from './egress/egress.js';
import { textOf, type Finding } from './finding.js';

const PARTS: Readonly<Record<string, () => Promise<Finding[] | string>>> = {
  egress: tryEgress,
  attacks: tryAttacks,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((part) => !(part in PARTS));
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(', ')}; parts are ${Object.keys(PARTS).join(', ')}\n`);
  process.exit(2);
}
let faults = 0;
for (const [part, run] of Object.entries(PARTS)) {
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
