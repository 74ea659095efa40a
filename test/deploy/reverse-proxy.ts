import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request, type RequestOptions } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import os from 'node:os';
import path from 'node:path';

import { tiedCommand } from '../../dev/servers/tied-command.js';
import type { CertificateWithKey } from '../support/certificates.js';
import { eventually } from '../support/eventually.js';
import { urlOf } from '../support/run-servers.js';
import { freePort } from '../support/service-process.js';
import { sourceOf } from '../support/source-tree.js';

/** A program that runs an example of deploy/. */
export type ProxyKind = 'nginx' | 'haproxy';

/** A reverse proxy on loopback, with the configuration of deploy/. */
export interface ReverseProxy {
  readonly port: number;
  stop(): Promise<void>;
}

/** The outside name of the service in deploy/. */
export const OUTSIDE = 'alarms.example.com';

/** Starts a proxy in front of `upstream`, an `http://127.0.0.1:…`. Only addresses, ports and files are replaced. */
export async function startReverseProxy(
  kind: ProxyKind,
  upstream: string,
  { cert, key }: CertificateWithKey,
): Promise<ReverseProxy> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'tocsin-test-'));
  const port = await freePort();
  const pem = path.join(dir, 'certificate.pem');
  writeFileSync(pem, cert + key);
  const target = new URL(upstream).host;
  const args = kind === 'nginx' ? nginx({ dir, port, pem, target }) : haproxy({ dir, port, pem, target });
  const tied = tiedCommand(urlOf(kind), args);
  const child = spawn(tied.command, tied.args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const gone = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await gone;
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(log);
      const { status } = await askThrough({ port }, { path: '/livez' });
      if (status === 502 || status === 503) throw new Error(`${kind} answers ${status}: ${log}`);
    });
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { port, stop };
}

interface Places {
  dir: string;
  port: number;
  pem: string;
  target: string;
}

function nginx({ dir, port, pem, target }: Places): string[] {
  const site = replaced(sourceOf('deploy/nginx.conf'), {
    '127.0.0.1:8042': target,
    'listen 443': `listen 127.0.0.1:${port}`,
    '/etc/ssl/tocsin/fullchain.pem': pem,
    '/etc/ssl/tocsin/key.pem': pem,
  });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${path.join(dir, name)};`,
  );
  const file = path.join(dir, 'nginx.conf');
  writeFileSync(file, ['events {}', 'http {', 'access_log off;', ...temporary, site, '}'].join('\n'));
  const directives = `daemon off; ${process.getuid?.() === 0 ? 'user root; ' : ''}pid ${path.join(dir, 'pid')};`;
  return ['-p', dir, '-c', file, '-e', 'stderr', '-g', directives];
}

function haproxy({ dir, port, pem, target }: Places): string[] {
  const file = path.join(dir, 'haproxy.cfg');
  writeFileSync(
    file,
    replaced(sourceOf('deploy/haproxy.cfg'), {
      '127.0.0.1:8042': target,
      'bind :443': `bind 127.0.0.1:${port}`,
      '/etc/ssl/tocsin/certificate-and-key.pem': pem,
    }),
  );
  return ['-db', '-f', file];
}

/** The text with the last occurrence of each key replaced. Comments come first, and stay. */
function replaced(text: string, places: Readonly<Record<string, string>>): string {
  return Object.entries(places).reduce((sofar, [from, to]) => {
    const at = sofar.lastIndexOf(from);
    if (at < 0) throw new Error(`the example no longer has ${from}`);
    return sofar.slice(0, at) + to + sofar.slice(at + from.length);
  }, text);
}

/** What a proxy answered. */
export interface Passed {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

type Ask = Pick<RequestOptions, 'method' | 'path' | 'headers' | 'localAddress'> & {
  body?: string | Buffer;
  /** Length of a body that is announced and never sent. */
  unsentBytes?: number;
};

/** Sends a request to the outside name through a proxy. The certificate of the tests has no such name. */
export async function openThrough({ port }: Pick<ReverseProxy, 'port'>, ask: Ask): Promise<IncomingMessage> {
  const { body, unsentBytes, headers = {}, ...rest } = ask;
  const length = unsentBytes ?? (body === undefined ? undefined : Buffer.byteLength(body));
  const sent = request({
    ...rest,
    host: '127.0.0.1',
    port,
    agent: false,
    servername: OUTSIDE,
    rejectUnauthorized: false,
    headers: {
      host: OUTSIDE,
      ...headers,
      ...(length === undefined ? {} : { 'content-length': length }),
    },
  });
  if (unsentBytes === undefined) sent.end(body);
  else sent.flushHeaders();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

/** The same, with the whole answer. */
export async function askThrough(proxy: Pick<ReverseProxy, 'port'>, ask: Ask): Promise<Passed> {
  const response = await openThrough(proxy, ask);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() };
}
