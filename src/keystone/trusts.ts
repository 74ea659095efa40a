import { z } from 'zod';

import { AppError } from '../errors.js';
import type { KeystoneAnswer } from './client.js';
import type { KeystoneSession } from './session.js';

/** Who lends rights, and the token that proves it. */
export interface Trustor {
  userId: string | null;
  projectId: string | null;
  roleNames?: readonly string[];
  token?: string;
}

/** An id that we later put into a path. */
const TrustAnswer = z.object({ trust: z.object({ id: z.string().regex(/^[\w-]{1,128}$/) }) });

export type KeystoneTrusts = ReturnType<typeof createTrusts>;

/**
 * Trusts of Keystone's OS-TRUST extension, with the service's own user as trustee. No id of a trust gets into the text
 * of an error.
 */
export function createTrusts(
  session: Pick<
    KeystoneSession,
    'request' | 'requestNew' | 'requestAsService' | 'userId' | 'token' | 'renew' | 'endpoint' | 'scoped'
  >,
) {
  return {
    /**
     * The trustor's rights in the trustor's project, until the trust is removed. When Keystone is slow the request is
     * sent again, which may create more than one trust: `onSpare` is called with the id of each that is not returned,
     * and with undefined if that is unknown.
     * @throws AppError `invalid_request` when Keystone refuses the trustor, `unavailable` when it fails.
     */
    async create(
      { userId, projectId, roleNames = [], token = '' }: Trustor,
      onSpare: (trustId: string | undefined) => void = () => undefined,
    ): Promise<string> {
      const trust = {
        trustor_user_id: userId,
        trustee_user_id: await session.userId(),
        project_id: projectId,
        impersonation: true,
        roles: roleNames.length > 0 ? roleNames.map((name) => ({ name })) : null,
        expires_at: null,
        remaining_uses: null,
      };
      const headers = { 'x-auth-token': token };
      const { status, body } = await session.requestNew('/OS-TRUST/trusts', { headers, body: { trust } }, (other) => {
        const spare = other && madeBy(other);
        if (other === undefined || spare !== undefined) onSpare(spare);
      });
      const made = madeBy({ status, body });
      if (made !== undefined) return made;
      const cause = causeOfRefusal(status);
      if (cause !== undefined) {
        throw new AppError(
          'invalid_request',
          'trust+ actions need a trust, and Keystone refused to create one with this token ' +
            `(HTTP ${status}). Usual cause: ${cause}`,
        );
      }
      throw failed('make', status);
    },

    /**
     * Resolves when Keystone has no such trust any more. The service's own rights are tried where the caller's are not
     * enough.
     */
    async remove(trustId: string, caller?: Pick<Trustor, 'token'>): Promise<void> {
      const path = `/OS-TRUST/trusts/${encodeURIComponent(trustId)}`;
      if (caller?.token !== undefined) {
        const { status } = await session.request('DELETE', path, { headers: { 'x-auth-token': caller.token } });
        if (isGone(status)) return;
        if (status !== 401 && status !== 403) throw failed('remove', status);
      }
      const { status } = await session.requestAsService('DELETE', path);
      if (!isGone(status)) throw failed('remove', status);
    },

    /** A login with the rights that a trust lends; a new token each time. Null: Keystone no longer grants them. */
    asTrustor: (trustId: string) => session.scoped({ 'OS-TRUST:trust': { id: trustId } }),

    /** The service's own login; `fresh`, with a new token. */
    async asService({ fresh }: { fresh: boolean }) {
      const token = fresh ? await session.renew() : await session.token();
      return { token, endpoint: (serviceType: string) => session.endpoint(serviceType) };
    },
  };
}

/**
 * The usual cause when Keystone refuses a trust, and the remedy. Undefined: the status says nothing about the caller's
 * token. Keystone hides its own reason for a 403, and its other texts can contain the id of a trust.
 */
function causeOfRefusal(status: number): string | undefined {
  switch (status) {
    case 401:
    case 403:
      return (
        'the token itself comes from a trust without redelegation, as in Heat when a signal scales a group whose ' +
        'members have alarms. Set reauthentication_auth_method = trusts and allow_trusts_redelegation = true in ' +
        'heat.conf, then create the stack again, since an existing stack keeps its trust. Another cause: the token ' +
        'comes from an application credential; use a token from a password'
      );
    case 404:
      return (
        'the token comes from a trust without impersonation, so that its user has no role of its own in the project. ' +
        "Use the owner's own token, or a trust with impersonation and redelegation"
      );
    case 409:
      return (
        'the token comes from a trust that expires, and Keystone allows one trust of each user, project and expiry. ' +
        'Use a trust that does not expire'
      );
    default:
      return undefined;
  }
}

function madeBy({ status, body }: Pick<KeystoneAnswer, 'status' | 'body'>): string | undefined {
  return status === 201 ? TrustAnswer.safeParse(body).data?.trust.id : undefined;
}

function isGone(status: number): boolean {
  return (status >= 200 && status < 300) || status === 404;
}

function failed(what: string, status: number): AppError {
  const cause = new Error(`Keystone answered ${status} when asked to ${what} a trust`);
  return new AppError('unavailable', 'Keystone is not available', { cause });
}
