import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';

import { ServerCertificate } from '../../src/api/http/server-certificate.js';
import { StartupError } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { startApi, thresholdBody, type TestApi, type TestApiOptions } from '../support/api.js';
import { makeCertificates, type Certificates, type CertificateWithKey } from '../support/certificates.js';
import { anyDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { FakeClock } from '../support/fake-clock.js';

const TEN_MINUTES_MS = 600_000;
const SETTLE_MS = 1_000;

let db: Database;
/** Of two authorities that do not know each other. */
let first: Certificates;
let second: Certificates;
beforeAll(async () => {
  db = await anyDatabase();
  [first, second] = [makeCertificates(), makeCertificates()];
});
afterAll(() => db.close());

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function folder(): string {
  const made = mkdtempSync(path.join(os.tmpdir(), 'tocsin-test-'));
  undo.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const FILES = { cert_file: 'server.crt', key_file: 'server.key', client_ca_file: 'clients.crt' } as const;
type File = keyof typeof FILES;

/** Replaces files by renaming, as the programs do that renew certificates. */
function place(dir: string, contents: Partial<Record<File, string>>): void {
  for (const [file, text] of Object.entries(contents) as [File, string][]) {
    const temporary = path.join(dir, 'new');
    writeFileSync(temporary, text);
    renameSync(temporary, path.join(dir, FILES[file]));
  }
}

const filesOf = ({ cert, key }: CertificateWithKey): Partial<Record<File, string>> => ({
  cert_file: cert,
  key_file: key,
});

interface Served {
  api: TestApi;
  certificate: ServerCertificate;
  dir: string;
  /** Moves the time of the loop on, until the files have been read again. */
  settle: () => Promise<void>;
  advance: (ms: number) => Promise<void>;
  logged: string[];
  ends: Date[];
}

/** An API with the first server certificate, whose files are in `dir`. */
async function serve(options: { dir?: string; clientCa?: string } & TestApiOptions = {}): Promise<Served> {
  const { dir = folder(), clientCa, ...more } = options;
  place(dir, { ...filesOf(first.server), ...(clientCa !== undefined && { client_ca_file: clientCa }) });
  const clock = new FakeClock();
  const [logged, ends]: [string[], Date[]] = [[], []];
  const note = (level: string) => (message: string, fields: object | undefined) =>
    logged.push(`${level}: ${message} ${(fields as { problem?: string }).problem ?? ''}`.trim());
  const certificate = certificateIn(dir, {
    clock,
    hasClientCa: clientCa !== undefined,
    log: { info: note('info'), error: note('error') } as unknown as Logger,
    onUse: (validTo) => ends.push(validTo),
  });
  const stopping = new AbortController();
  const running = certificate.run(stopping.signal);
  const api = await startApi(db, { certificate, tls: { ca: first.ca }, ...more });
  undo.push(() => api.close());
  undo.push(async () => {
    stopping.abort();
    await running;
  });
  const advance = (ms: number): Promise<void> => clock.advance(ms);
  return { api, certificate, dir, settle: () => advance(SETTLE_MS), advance, logged, ends };
}

interface CertificateOptions {
  clock?: FakeClock;
  hasClientCa?: boolean;
  log?: Logger;
  onUse?: (validTo: Date) => void;
}

function certificateIn(dir: string, options: CertificateOptions = {}): ServerCertificate {
  const { clock = new FakeClock(), hasClientCa = false, log = {} as Logger, onUse = () => undefined } = options;
  const at = (file: File): string => path.join(dir, FILES[file]);
  const files = { cert_file: at('cert_file'), key_file: at('key_file') };
  return new ServerCertificate({
    files: hasClientCa ? { ...files, client_ca_file: at('client_ca_file') } : files,
    setting: 'api.tls',
    clock,
    log,
    onUse,
  });
}

const portOf = ({ url }: TestApi): number => Number(new URL(url).port);

async function tlsTo(api: TestApi, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ port: portOf(api), host: '127.0.0.1', ca: [first.ca, second.ca], ...options });
  undo.push(() => socket.destroy());
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return socket;
}

/** Which of the two authorities signed the certificate that a new connection gets. */
async function signerSeen(api: TestApi): Promise<'first' | 'second'> {
  for (const [name, ca] of [['first', first.ca] as const, ['second', second.ca] as const]) {
    const socket = await tlsTo(api, { ca }).catch(() => undefined);
    if (socket) return name;
  }
  throw new Error('neither');
}

const REQUEST = 'GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n';

/** The status of an answer; 0 if the connection was closed instead. */
async function ask(socket: Socket, request = REQUEST): Promise<number> {
  if (socket.destroyed) return 0;
  const answered = new Promise<number>((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(chunk.toString())?.[1])));
    socket.once('close', () => resolve(0));
  });
  socket.write(request);
  return answered;
}

async function plainTo(api: TestApi): Promise<Socket> {
  const socket = connect(portOf(api), '127.0.0.1');
  socket.on('error', () => undefined);
  undo.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket.resume();
}

describe('an API with TLS', () => {
  test('has https in its links, and tells browsers to stay with it', async () => {
    const { api } = await serve();
    const answer = await api.ask('POST', '/v2/alarms', { body: thresholdBody() });
    expect(answer.headers.location).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/v2\/alarms\//);
    expect(answer.headers['strict-transport-security']).toBe('max-age=31536000');
    const plain = await startApi(db);
    undo.push(() => plain.close());
    expect((await plain.ask('GET', '/')).headers['strict-transport-security']).toBeUndefined();
  });

  test('closes connections that do not speak TLS, or only old versions of it', async () => {
    const { api } = await serve();
    expect(await ask(await plainTo(api))).toBe(0);
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(tlsTo(api, old)).rejects.toThrow(/protocol version/);
    const supported = await tlsTo(api, { maxVersion: 'TLSv1.2' });
    expect(supported.getProtocol()).toBe('TLSv1.2');
  });

  test('closes a connection whose handshake does not end', async () => {
    const { api } = await serve();
    await once(await plainTo(api), 'close');
  });

  test('ends at once although a handshake is open', async () => {
    const { api } = await serve();
    const [silent, idle] = [await plainTo(api), await tlsTo(api)];
    await api.close();
    await eventually(() => expect([silent.destroyed, idle.destroyed]).toEqual([true, true]));
  });
});

test('connections in a handshake are closed before those that carried an authenticated request', async () => {
  const { api } = await serve({ maxConnections: 3 });
  const list = 'GET /v2/alarms HTTP/1.1\r\nhost: localhost\r\n\r\n';
  const customer = await tlsTo(api);
  expect(await ask(customer, list)).toBe(200);
  const silent: Socket[] = [];
  for (let count = 0; count < 5; count += 1) silent.push(await plainTo(api));
  await eventually(() => expect(silent.filter(({ destroyed }) => destroyed)).toHaveLength(3));
  expect(await ask(customer, list)).toBe(200);
  expect(await ask(await tlsTo(api), list)).toBe(200);
});

describe('new files', () => {
  test('are used for new connections, and open connections go on', async () => {
    const { api, dir, settle, logged, ends, certificate } = await serve();
    const open = await tlsTo(api);
    expect([await ask(open), await signerSeen(api)]).toEqual([200, 'first']);
    place(dir, filesOf(second.server));
    await eventually(async () => {
      await settle();
      expect(await signerSeen(api)).toBe('second');
    });
    expect(await ask(open)).toBe(200);
    expect(logged).toEqual(['info: a listener uses a new certificate']);
    expect(ends).toHaveLength(2);
    expect(certificate.state).toEqual({ setting: 'api.tls', validTo: ends[1], problem: undefined });
  });

  test.each<{ what: string; files: () => Partial<Record<File, string>>; problem: RegExp }>([
    {
      what: 'a certificate that is no PEM',
      files: () => ({ cert_file: 'no PEM' }),
      problem: /^api\.tls\.cert_file: \S+\/server\.crt has no usable PEM: /,
    },
    {
      what: 'a certificate without its key',
      files: () => ({ cert_file: second.server.cert }),
      problem: /^api\.tls\.key_file: \S+\/server\.key is not the key of the certificate in \S+\/server\.crt$/,
    },
    {
      what: 'an empty key',
      files: () => ({ key_file: '' }),
      problem: /^api\.tls\.key_file: \S+\/server\.key has no usable PEM: /,
    },
    {
      what: 'authorities that are no PEM',
      files: () => ({ client_ca_file: 'no PEM' }),
      problem: /^api\.tls\.client_ca_file: \S+\/clients\.crt has no usable PEM: /,
    },
  ])('that cannot be used ($what) are logged once and leave the old ones', async ({ files, problem }) => {
    const { api, dir, settle, advance, logged, certificate } = await serve({
      clientCa: first.ca,
      tls: { ca: first.ca, ...first.client },
    });
    place(dir, files());
    await eventually(async () => {
      await settle();
      expect(certificate.state.problem).toMatch(problem);
    });
    await advance(TEN_MINUTES_MS + SETTLE_MS);
    const [message] = logged;
    expect(logged).toHaveLength(1);
    expect(message).toContain('error: a listener keeps its old certificate: the new files cannot be used');
    expect((await api.ask('GET', '/livez')).status).toBe(200);
    expect(() => certificateIn(dir, { hasClientCa: true })).toThrow(StartupError);
    expect(() => certificateIn(dir, { hasClientCa: true })).toThrow(problem);
    place(dir, { ...filesOf(first.server), client_ca_file: first.ca });
    await eventually(async () => {
      await settle();
      expect(certificate.state.problem).toBeUndefined();
    });
  });

  test.each([
    ['ten minutes', ({ advance }: Served) => advance(TEN_MINUTES_MS)],
    ['a reload', async ({ certificate }: Served) => certificate.reload()],
  ])('in a folder that takes the place of another are used after %s', async (_, act) => {
    const root = folder();
    const [before, after, current] = ['before', 'after', 'current'].map((name) => path.join(root, name)) as [
      string,
      string,
      string,
    ];
    for (const dir of [before, after]) mkdirSync(dir);
    place(after, filesOf(second.server));
    symlinkSync(before, current);
    const served = await serve({ dir: current });
    symlinkSync(after, path.join(root, 'next'));
    renameSync(path.join(root, 'next'), current);
    await served.settle();
    expect(await signerSeen(served.api)).toBe('first');
    await act(served);
    await served.settle();
    expect(await signerSeen(served.api)).toBe('second');
  });
});

describe('with api.tls.client_ca_file', () => {
  const REFUSED = 'refused';
  const statusWith = async (api: TestApi, client: Partial<CertificateWithKey>): Promise<number | typeof REFUSED> =>
    api.ask('GET', '/livez', { tls: { ca: first.ca, ...client }, headers: { connection: 'close' } }).then(
      ({ status }) => status,
      () => REFUSED,
    );

  test('only clients with a certificate of these authorities are answered, by the present file', async () => {
    const tls = { ca: first.ca, ...first.client };
    const { api, dir, settle } = await serve({ clientCa: first.ca, tls });
    const all = async (): Promise<unknown[]> => [
      await statusWith(api, {}),
      await statusWith(api, first.client),
      await statusWith(api, second.client),
    ];
    expect(await all()).toEqual([REFUSED, 200, REFUSED]);
    place(dir, { client_ca_file: second.ca });
    await eventually(async () => {
      await settle();
      expect(await all()).toEqual([REFUSED, REFUSED, 200]);
    });
  });
});
