#!/usr/bin/env node
import { runProgram } from './cli/program.js';
import { runCommand } from './cli/run-command.js';

await runCommand('tocsin', runProgram);
