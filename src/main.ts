#!/usr/bin/env -S node --disallow-code-generation-from-strings
import { runProgram } from './cli/program.js';
import { runCommand } from './cli/run-command.js';

await runCommand('tocsin', runProgram);
