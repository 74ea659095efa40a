import { z } from 'zod';

import type { Clock } from '../clock.js';
import type { Secret } from '../config/secret.js';
import { AppError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { KeystoneClient } from './client.js';

/** The service's own credentials: a user with a password, or an application credential. */
export type KeystoneLogin =
  | {
      kind: 'password';
      username: string;
      password: Secret;
      userDomainName: string;
      projectName: string;
      projectDomainName: string;
    }
  | { kind: 'application-credential'; id: string; secret: Secret };

const Endpoint = z.object({
  interface: z.string(),
  url: z.string(),
  region: z.string().nullish(),
  region_id: z.string().nullish(),
});

const TokenAnswer = z.object({
  token: z.object({
    user: z.object({ id: z.string() }),
    project: z.object({ id: z.string(), name: z.string(), domain: z.object({ name: z.string() }) }).optional(),
    issued_at: z.iso.datetime({ offset: true, local: true }),
    expires_at: z.iso.datetime({ offset: true, local: true }),
    catalog: z.array(z.object({ type: z.string(), endpoints: z.array(Endpoint) })).default([]),
  }),
});

type TokenBody = z.infer<typeof TokenAnswer>['token'];

/** A token of the service's own user, with the other fields of Keystone's answer. */
export interface OwnToken extends Omit<TokenBody, 'issued_at' | 'expires_at'> {
  id: string;
  /** Times of the monotonic clock in milliseconds, so that Keystone's clock may differ from this machine's. */
  obtainedAt: number;
  renewAt: number;
  endsAt: number;
}

const RENEW_BEFORE_MS = 120_000;
/** Shortest time from a new token, or from a refused login, to the next login: failed logins can lock the account. */
const MIN_LOGIN_PAUSE_MS = 5_000;

/** Keeps one token of the service's own user, and renews it before it expires with one request at a time. */
export class OwnTokenKeeper {
  #token: OwnToken | undefined;
  #renewal: Promise<OwnToken> | undefined;
  #refusal: { error: AppError; at: number } | undefined;

  constructor(
    private readonly login: KeystoneLogin,
    private readonly deps: { client: Pick<KeystoneClient, 'request'>; clock: Pick<Clock, 'monotonicMs'>; log: Logger },
  ) {}

  /** Returns the token, renewed if it expires soon. @throws AppError `unavailable`. */
  async current(): Promise<OwnToken> {
    const now = this.deps.clock.monotonicMs();
    const held = this.#token;
    if (held && now < held.renewAt) return held;
    try {
      return await this.#renewOnce();
    } catch (thrown) {
      // The token is renewed early, so an outage in its last minutes does no harm.
      if (held && this.deps.clock.monotonicMs() < held.endsAt) return held;
      throw thrown;
    }
  }

  /** Gets a new token although the present one has not expired, unless it is only seconds old. */
  async renew(): Promise<OwnToken> {
    const held = this.#token;
    if (held && this.deps.clock.monotonicMs() - held.obtainedAt < MIN_LOGIN_PAUSE_MS) return held;
    return this.#renewOnce();
  }

  /** Logs in with another scope and does not keep the token. @throws AppError `unavailable`. */
  async issue(scope: object | undefined): Promise<OwnToken> {
    const askedAt = this.deps.clock.monotonicMs();
    const auth = { identity: identityOf(this.login), ...(scope ? { scope } : {}) };
    const { status, headers, body } = await this.deps.client.request('POST', '/auth/tokens', {
      body: { auth },
      isRepeatable: true, // a second token is harmless
    });
    const id = headers['x-subject-token'];
    const answer = TokenAnswer.safeParse(body);
    if (status !== 201 || typeof id !== 'string' || !answer.success) throw notIssued(status);
    const { issued_at, expires_at, ...rest } = answer.data.token;
    const life = keystoneTimeMs(expires_at) - keystoneTimeMs(issued_at);
    const endsAt = askedAt + life;
    return { ...rest, id, obtainedAt: askedAt, endsAt, renewAt: endsAt - Math.min(RENEW_BEFORE_MS, life / 2) };
  }

  #renewOnce(): Promise<OwnToken> {
    const renewal = (this.#renewal ??= this.#obtain().finally(() => (this.#renewal = undefined)));
    return renewal;
  }

  async #obtain(): Promise<OwnToken> {
    const { clock, log } = this.deps;
    if (this.#refusal && clock.monotonicMs() - this.#refusal.at < MIN_LOGIN_PAUSE_MS) throw this.#refusal.error;
    try {
      this.#token = await this.issue(scopeOf(this.login));
      this.#refusal = undefined;
      return this.#token;
    } catch (thrown) {
      if (thrown instanceof LoginRefused) {
        this.#refusal = { error: thrown, at: clock.monotonicMs() };
        log.error('Keystone refuses the login with the credentials in the section keystone; correct them', {
          err: thrown,
        });
      }
      throw thrown;
    }
  }
}

/** Keystone answered and refused the login. */
export class LoginRefused extends AppError {
  constructor(
    readonly status: number,
    cause: Error,
  ) {
    super('unavailable', 'Keystone is not available', { cause });
  }
}

function notIssued(status: number): AppError {
  const cause = new Error(`Keystone answered ${status} to the service's own login`);
  return status >= 400
    ? new LoginRefused(status, cause)
    : new AppError('unavailable', 'Keystone is not available', { cause });
}

function identityOf(login: KeystoneLogin): object {
  if (login.kind === 'application-credential') {
    const { id, secret } = login;
    return { methods: ['application_credential'], application_credential: { id, secret: secret.reveal() } };
  }
  const { username, password, userDomainName } = login;
  const user = { name: username, domain: { name: userDomainName }, password: password.reveal() };
  return { methods: ['password'], password: { user } };
}

/** The scope of a login. An application credential has its own project, and must not name one. */
function scopeOf(login: KeystoneLogin): object | undefined {
  if (login.kind === 'application-credential') return undefined;
  return { project: { name: login.projectName, domain: { name: login.projectDomainName } } };
}

/** Parses a time of Keystone, which is UTC with or without `Z`, to milliseconds since 1970. */
export function keystoneTimeMs(text: string): number {
  return Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
}
