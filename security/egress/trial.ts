/**
 * Runs within the network namespace that egress.ts makes, where every address is this machine's. Writes the findings to
 * standard output as one line of JSON.
 */
import { startCanary } from './canary.js';
import { startNameServer } from './name-server.js';
import { trySending } from './sending.js';
import { PROXY_PORT, tryServing } from './serving.js';
import { DENIED_PORTS } from './urls.js';

const canary = await startCanary([80, 443, 8080, 8443, PROXY_PORT, ...DENIED_PORTS]);
const nameServer = await startNameServer();
try {
  const findings = await trySending(canary);
  findings.push(...(await tryServing(canary)));
  process.stdout.write(`${JSON.stringify(findings)}\n`);
} finally {
  await canary.close();
  await nameServer.close();
}
