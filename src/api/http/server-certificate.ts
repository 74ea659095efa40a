import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, watch, type FSWatcher } from 'node:fs';
import path from 'node:path';
import { createSecureContext, type SecureContextOptions, type Server, type TlsOptions } from 'node:tls';

import { WakeableSleep } from '../../async/wakeable-sleep.js';
import type { Clock } from '../../clock.js';
import { StartupError, toError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import type { Loop } from '../../supervisor.js';

/** PEM files of a listener with TLS, by the names of their options. */
export interface CertificateFiles {
  /** The certificate, and after it those of intermediate authorities. */
  cert_file: string;
  key_file: string;
  /** If set, clients must have a certificate of one of these authorities. */
  client_ca_file?: string;
}

export interface ServerCertificateDeps {
  files: CertificateFiles;
  /** Name of the section with the options, such as `api.tls`. */
  setting: string;
  clock: Pick<Clock, 'sleep'>;
  log: Logger;
  /** Called for each certificate that is taken into use, with the time at which it ends. */
  onUse: (validTo: Date) => void;
}

/** The state of a listener's certificate, for readiness. */
export interface CertificateState {
  setting: string;
  validTo: Date;
  /** Why the present files are not used; undefined if they are. */
  problem: string | undefined;
}

interface ReadCertificate {
  context: SecureContextOptions;
  validTo: Date;
}

const CHECK_EVERY_MS = 600_000;
/** Time between the first change of a file and reading all of them, since they are replaced one after the other. */
const SETTLE_MS = 1_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * The certificate of a listener. Its loop reads the files again when their directories change, every ten minutes, and
 * after `reload`. Files that cannot be used are logged, and the listener keeps its certificate. New connections get a
 * new certificate; open ones go on.
 */
export class ServerCertificate implements Loop {
  readonly name: string;
  readonly #pause: WakeableSleep;
  #used: ReadCertificate;
  #problem: string | undefined;
  #server: Pick<Server, 'setSecureContext'> | undefined;

  /** @throws StartupError that names the option and the file that cannot be used. */
  constructor(private readonly deps: ServerCertificateDeps) {
    this.name = `certificate of ${deps.setting}`;
    this.#pause = new WakeableSleep(deps.clock);
    this.#used = readCertificate(deps);
    deps.onUse(this.#used.validTo);
  }

  /** Options of a server that uses this certificate. */
  get options(): TlsOptions {
    const isClientCertificateRequired = this.deps.files.client_ca_file !== undefined;
    return {
      ...this.#used.context,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      requestCert: isClientCertificateRequired,
      rejectUnauthorized: isClientCertificateRequired,
    };
  }

  get state(): CertificateState {
    return { setting: this.deps.setting, validTo: this.#used.validTo, problem: this.#problem };
  }

  /** Passes later certificates on to this server. */
  follow(server: Pick<Server, 'setSecureContext'>): void {
    this.#server = server;
  }

  /** Has the files read again soon. */
  reload(): void {
    this.#pause.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#pause.set();
      const watchers = this.#watch();
      this.#read();
      await this.#pause.sleep(CHECK_EVERY_MS, signal);
      for (const watcher of watchers) watcher.close();
      await this.deps.clock.sleep(SETTLE_MS, signal);
    }
  }

  #read(): void {
    const { setting, log, onUse } = this.deps;
    try {
      const found = readCertificate(this.deps);
      this.#problem = undefined;
      if (isSame(found, this.#used)) return;
      this.#server?.setSecureContext(found.context);
      this.#used = found;
      onUse(found.validTo);
      log.info('a listener uses a new certificate', { setting, validTo: found.validTo });
    } catch (thrown) {
      const problem = toError(thrown).message;
      if (problem !== this.#problem) {
        log.error('a listener keeps its old certificate: the new files cannot be used', {
          problem,
          validTo: this.#used.validTo,
        });
      }
      this.#problem = problem;
    }
  }

  /** Watches directories, since files are mostly replaced by renaming. A failure does no harm: `run` also waits. */
  #watch(): FSWatcher[] {
    const directories = new Set(Object.values(this.deps.files).map((file: string) => path.dirname(file)));
    return [...directories].flatMap((directory) => {
      try {
        const watcher = watch(directory, { persistent: false }, () => this.#pause.wake());
        return [watcher.on('error', () => undefined)];
      } catch {
        return [];
      }
    });
  }
}

function readCertificate({
  files: { cert_file, key_file, client_ca_file },
  setting,
}: Pick<ServerCertificateDeps, 'files' | 'setting'>): ReadCertificate {
  const cert = pem(`${setting}.cert_file`, cert_file, (text) => new X509Certificate(text));
  const key = pem(`${setting}.key_file`, key_file, createPrivateKey);
  if (!cert.parsed.checkPrivateKey(key.parsed))
    throw new StartupError(`${setting}.key_file: ${key_file} is not the key of the certificate in ${cert_file}`);
  const authorities =
    client_ca_file === undefined
      ? undefined
      : pem(`${setting}.client_ca_file`, client_ca_file, (text) => new X509Certificate(text));
  const context: SecureContextOptions = {
    minVersion: 'TLSv1.2',
    cert: cert.text,
    key: key.text,
    ...(authorities && { ca: authorities.text }),
  };
  usable(`${setting}: cannot use ${cert_file} and ${key_file}`, () => createSecureContext(context));
  return { context, validTo: new Date(cert.parsed.validTo) };
}

function pem<T>(option: string, file: string, parse: (text: string) => T): { text: string; parsed: T } {
  const text = usable(`${option}: cannot read ${file}`, () => readFileSync(file, 'utf8'));
  return { text, parsed: usable(`${option}: ${file} has no usable PEM`, () => parse(text)) };
}

function usable<T>(problem: string, attempt: () => T): T {
  try {
    return attempt();
  } catch (cause) {
    throw new StartupError(`${problem}: ${toError(cause).message}`, { cause });
  }
}

function isSame({ context: a }: ReadCertificate, { context: b }: ReadCertificate): boolean {
  return a.cert === b.cert && a.key === b.key && a.ca === b.ca;
}
