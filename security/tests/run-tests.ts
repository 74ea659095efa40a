import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import type { Finding } from '../finding.js';

const RUNNER = fileURLToPath(new URL('../../../scripts/test.mjs', import.meta.url));
/** A line of a test about all of its tries, such as `matrix: 52 routes × 21 credentials, …, 0 others`. */
const COUNTED = /^([a-z][^:\n]*): (.+, (\d+) (?:found|others))$/gm;
const CLOSING = /^\d+ passed, (\d+) failed.*$/gm;
const FAILED_TEST = /^ {2}● (.+)$/gm;

/** Runs a file of tests. Returns a finding for each line of counts that it prints, and one for the tests themselves. */
export async function runTests(file: string): Promise<Finding[]> {
  const output = await outputOf(file);
  const counted = [...output.matchAll(COUNTED)].map(([, claim = '', tried = '', faults]): Finding => {
    return { claim, tried, faults: faults === '0' ? [] : [tried] };
  });
  const closing = [...output.matchAll(CLOSING)].at(-1);
  const failed = [...new Set([...output.matchAll(FAILED_TEST)].map(([, name = '']) => name))];
  const isPassed = closing?.[1] === '0' && failed.length === 0;
  if (!isPassed) process.stderr.write(output);
  const faults = isPassed ? [] : failed.length > 0 ? failed : ['the tests did not run to their end'];
  return [...counted, { claim: file, tried: closing?.[0] ?? 'no result', faults }];
}

async function outputOf(file: string): Promise<string> {
  const child = spawn(process.execPath, [RUNNER, file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child, 'close');
  return output;
}
