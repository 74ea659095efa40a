import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { prometheus } from '../../../src/app/datasources/prometheus.js';
import type { PrometheusQuery } from '../../../src/alarm/series.js';
import { parseConfig } from '../../../src/config/parse.js';
import type { Datasource } from '../../../src/datasource/datasource.js';
import { StartupError } from '../../../src/errors.js';
import { makeCertificates, type Certificates } from '../../support/certificates.js';
import { askAbout, startPrometheusDouble, type PrometheusDouble } from '../../support/prometheus-double.js';

let double: PrometheusDouble;
let certificates: Certificates;
let dir: string;

beforeAll(() => {
  certificates = makeCertificates();
  dir = mkdtempSync(path.join(os.tmpdir(), 'tocsin-test-'));
  const files = { 'ca.pem': certificates.ca, 'cert.pem': certificates.client.cert, 'key.pem': certificates.client.key };
  for (const [name, pem] of Object.entries(files)) writeFileSync(path.join(dir, name), pem);
  writeFileSync(path.join(dir, 'other.pem'), certificates.server.key);
});
afterAll(() => rmSync(dir, { recursive: true }));
beforeEach(async () => {
  double = await startPrometheusDouble();
});
afterEach(() => double.close());

function open(options: Record<string, unknown>, name: string | null = null): Datasource<PrometheusQuery> | undefined {
  const observer = { succeeded: () => undefined, failed: () => undefined };
  const config = parseConfig({ prometheus: { url: double.url, ...options } });
  return prometheus.open({ config, observerOf: () => observer }).get(name);
}

describe('a configured Prometheus', () => {
  test('needs prometheus.url', () => {
    expect(open({ url: undefined })).toBeUndefined();
  });

  test.each<[string, Record<string, unknown>, Record<string, string | undefined>, string]>([
    ['a label, unless told otherwise', {}, {}, 'up{project="p1"}'],
    ['a label of another name', { project_label: 'tenant' }, {}, 'up{tenant="p1"}'],
    ['a header', { tenancy: 'header' }, { 'x-scope-orgid': 'p1' }, 'up'],
    ['a header of another name', { tenancy: 'header', tenant_header: 'X-Tenant' }, { 'x-tenant': 'p1' }, 'up'],
    [
      'a label, with a password',
      { auth: 'basic', user: 'u', password: 'p' },
      { authorization: 'Basic dTpw' },
      'up{project="p1"}',
    ],
    ['a label, with a token', { auth: 'bearer', token: 't' }, { authorization: 'Bearer t' }, 'up{project="p1"}'],
  ])('gets requests with %s', async (_, options, headers, query) => {
    const datasource = open(options)!;
    await askAbout({ datasource, outcomes: [] }, [{ promql: 'up', project: 'p1' }]);
    datasource.close?.();
    expect(double.asked).toMatchObject([{ headers, form: { query } }]);
  });

  test('can be one of several', async () => {
    const datasource = open({ url: undefined, others: { east: { url: double.url, tenancy: 'header' } } }, 'east')!;
    await askAbout({ datasource, outcomes: [] }, [{ promql: 'up', project: 'p1' }]);
    datasource.close?.();
    expect(double.asked).toMatchObject([{ headers: { 'x-scope-orgid': 'p1' }, form: { query: 'up' } }]);
  });

  test('accepts client certificates', () => {
    const [ca_file, certificate_file, key_file] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => path.join(dir, name));
    open({ ca_file, certificate_file, key_file })?.close?.();
  });

  test.each<[Record<string, string>, string]>([
    [{ ca_file: 'none.pem' }, 'prometheus.ca_file: cannot read'],
    [{ certificate_file: 'cert.pem', key_file: 'other.pem' }, 'prometheus: the certificates cannot be used'],
    [{ certificate_file: 'key.pem', key_file: 'key.pem' }, 'prometheus: the certificates cannot be used'],
  ])('refuses to start with %j', (files, problem) => {
    const options = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, path.join(dir, file)]));
    expect(() => open(options)).toThrow(StartupError);
    expect(() => open(options)).toThrow(problem);
  });

  test('refuses to start with an admin_tenant that is not a valid header value', () => {
    expect(() => open({ tenancy: 'header', admin_tenant: 'a\nb' })).toThrow('prometheus.admin_tenant');
  });
});
