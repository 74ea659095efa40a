import { z } from 'zod';

import { AppError } from '../errors.js';
import type { KeystoneAnswer } from './client.js';
import type { KeystoneSession } from './session.js';

/** The user who creates a trust, and this user's token. */
export interface Trustor {
  userId: string | null;
  projectId: string | null;
  roleNames?: readonly string[];
  token?: string;
}

/** The id is used in paths of later requests, so its characters are checked. */
const TrustAnswer = z.object({ trust: z.object({ id: z.string().regex(/^[\w-]{1,128}$/) }) });

export type KeystoneTrusts = ReturnType<typeof createTrusts>;

/**
 * Creates and removes trusts of Keystone's OS-TRUST extension. The trustee is the service's own user. Texts of errors
 * never contain the id of a trust.
 */
export function createTrusts(
  session: Pick<
    KeystoneSession,
    'request' | 'requestNew' | 'requestAsService' | 'userId' | 'token' | 'renew' | 'endpoint' | 'scoped'
  >,
) {
  return {
    /**
     * Creates a trust that does not expire, with the trustor's rights in the trustor's project. While Keystone is slow
     * the request is sent again, which may create more than one trust: `onSpare` is called with the id of each that is
     * not returned, or with undefined if the id is unknown.
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
      throw failed('create', status);
    },

    /**
     * Deletes a trust; resolves also if Keystone has none with this id. Where the caller's token has no right to delete
     * it, the service's own token is used.
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

    /** Logs in with the rights of a trust; a new token for each call. Null: Keystone no longer grants them. */
    asTrustor: (trustId: string) => session.scoped({ 'OS-TRUST:trust': { id: trustId } }),

    /** Returns the service's own login. `fresh`: with a new token. */
    async asService({ fresh }: { fresh: boolean }) {
      const token = fresh ? await session.renew() : await session.token();
      return { token, endpoint: (serviceType: string) => session.endpoint(serviceType) };
    },
  };
}

/**
 * Returns the usual cause when Keystone refuses to create a trust, and the remedy. Undefined: the status does not
 * concern the caller's token. Keystone's own text is not used: it hides the reason of a 403, and can contain the id of
 * a trust.
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
  const cause = new Error(`Keystone answered ${status} to the request to ${what} a trust`);
  return new AppError('unavailable', 'Keystone is not available', { cause });
}
