import { runCommand } from '../../src/cli/run-command.js';
import { runFaultsCommand } from './command.js';

await runCommand('faults', runFaultsCommand);
