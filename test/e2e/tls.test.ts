import { afterEach, expect, test } from '@jest/globals';
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { ask, type Answered } from '../support/api.js';
import { makeCertificates, type Certificates } from '../support/certificates.js';
import { migratedDataDirectory } from '../support/data-directory.js';
import { eventually } from '../support/eventually.js';
import { freePort, startService } from '../support/service-process.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function placed(dir: string, { server: { cert, key } }: Certificates): string {
  mkdirSync(dir);
  writeFileSync(path.join(dir, 'server.crt'), cert);
  writeFileSync(path.join(dir, 'server.key'), key);
  return dir;
}

test('a service with TLS reads its files again at SIGHUP, and shows the end of its certificate', async () => {
  const [dataDir, root] = [migratedDataDirectory(), mkdtempSync(path.join(os.tmpdir(), 'tocsin-test-'))];
  for (const dir of [dataDir, root]) undo.push(() => rmSync(dir, { recursive: true, force: true }));
  const [before, after] = [makeCertificates(), makeCertificates()];
  const current = path.join(root, 'current');
  symlinkSync(placed(path.join(root, 'before'), before), current);
  const [port, managementPort] = [await freePort(), await freePort()];
  const [certFile, keyFile] = [path.join(current, 'server.crt'), path.join(current, 'server.key')];
  const service = startService({
    DATABASE_DATA_DIR: dataDir,
    API_PORT: String(port),
    API_TLS_CERT_FILE: certFile,
    API_TLS_KEY_FILE: keyFile,
    MANAGEMENT_PORT: String(managementPort),
    MANAGEMENT_TLS_CERT_FILE: certFile,
    MANAGEMENT_TLS_KEY_FILE: keyFile,
  });
  undo.push(() => service.kill());
  const readyAt = (at: number, { ca }: Certificates): Promise<Answered> =>
    ask('GET', `https://127.0.0.1:${at}/readyz`, { tls: { ca }, headers: { connection: 'close' } });
  const ready = await eventually(async () => {
    const answer = await readyAt(managementPort, before);
    expect(answer.status).toBe(200);
    return answer;
  });
  for (const setting of ['api.tls', 'management.tls'])
    expect(ready.text).toMatch(new RegExp(`"${setting}".*the certificate ends at 20\\d\\d-`));
  const metrics = await ask('GET', `https://127.0.0.1:${managementPort}/metrics`, { tls: { ca: before.ca } });
  expect(metrics.text).toMatch(/tocsin_certificate_expiry_timestamp_seconds\{listener="api"\} \d{10}\n/);

  symlinkSync(placed(path.join(root, 'after'), after), path.join(root, 'next'));
  renameSync(path.join(root, 'next'), current);
  await expect(readyAt(port, after)).rejects.toThrow(/self-signed|unable to verify/);
  process.kill(service.pid, 'SIGHUP');
  await eventually(async () => expect((await readyAt(port, after)).status).toBe(200));
  await eventually(async () => expect((await readyAt(managementPort, after)).status).toBe(200));
  copyFileSync(path.join(root, 'before', 'server.key'), keyFile);
  await eventually(() => expect(service.log()).toContain(`api.tls.key_file: ${keyFile} is not the key`));
  expect(await service.stop()).toBe(0);
});
