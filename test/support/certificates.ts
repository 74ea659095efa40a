import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface CertificateWithKey {
  cert: string;
  key: string;
}

/** All as PEM. */
export interface Certificates {
  /** The authority that signed the others. */
  ca: string;
  /** For 127.0.0.1. */
  server: CertificateWithKey;
  /** Of `tocsin`. */
  client: CertificateWithKey;
}

/** New ones, by the `openssl` command, valid for a day. */
export function makeCertificates(): Certificates {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'tocsin-test-'));
  const at = (name: string): string => path.join(dir, name);
  const run = (...args: string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
  };
  const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const signed = (name: string, subject: string): CertificateWithKey => {
    run('req', ...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${subject}`);
    run(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...[...['-days', '1', '-extfile', 'names', '-out', `${name}.crt`]],
    );
    return { cert: readFileSync(at(`${name}.crt`), 'utf8'), key: readFileSync(at(`${name}.key`), 'utf8') };
  };
  try {
    writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1\n');
    run('req', '-x509', ...NEW_KEY, '-days', '1', '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=Test authority');
    const ca = readFileSync(at('ca.crt'), 'utf8');
    return { ca, server: signed('server', 'prometheus'), client: signed('client', 'tocsin') };
  } finally {
    rmSync(dir, { recursive: true });
  }
}
