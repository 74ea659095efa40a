// Installs and builds what is missing, then runs the compiled program in this very process, so that Ctrl-C and exit
// codes are its own.
//
//   node scripts/start.mjs serve                                  the command line of Tocsin
//   node scripts/start.mjs --script examples/autoscaler/main.js   another compiled program
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { prepareOrExit, root } from './prepare.mjs';

prepareOrExit();

const [, , ...args] = process.argv;
const script = args[0] === '--script' ? args.splice(0, 2)[1] : 'src/main.js';
const program = path.join(root, 'build', script);
process.argv = [process.execPath, program, ...args];
await import(pathToFileURL(program).href);
