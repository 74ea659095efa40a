import { runCommand } from '../../src/cli/run-command.js';
import { runClusterCommand } from './command.js';

await runCommand('cluster', runClusterCommand);
