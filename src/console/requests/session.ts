import type { components } from '../../client/openapi-types.js';
import { abortAllWork } from './long-work.js';

export type ShownAuthMode = components['schemas']['Session']['auth_mode'];

/** The `auth.mode` of the service. It is in the page, since a caller without a session gets no answer. */
export function authMode(): ShownAuthMode | undefined {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="tocsin-auth-mode"]');
  return meta?.content as ShownAuthMode | undefined;
}

/** Name of the event in this tab, and of the channel to the other tabs of the browser. They share the session. */
const RECHECK = 'tocsin-session';

/** Has the page read its session again: it may have ended, or another one may have begun. */
export function recheckSession(): void {
  dispatchEvent(new Event(RECHECK));
}

/** The same, in all tabs of the browser. */
export function recheckSessionInAllTabs(): void {
  recheckSession();
  tellOtherTabs(null);
}

/** Says that the user has signed out, in all tabs of the browser. */
export function tellSignedOut(): void {
  endWork();
  recheckSession();
  tellOtherTabs(SIGNED_OUT);
}

/** Calls `listener` when the session must be read again. Returns the function that ends this. */
export function watchSession(listener: () => void): () => void {
  const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(RECHECK) : undefined;
  channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (data === SIGNED_OUT) endWork();
    listener();
  });
  addEventListener(RECHECK, listener);
  return () => {
    channel?.close();
    removeEventListener(RECHECK, listener);
  };
}

const SIGNED_OUT = 'signed out';

function tellOtherTabs(message: string | null): void {
  if (!('BroadcastChannel' in globalThis)) return;
  const channel = new BroadcastChannel(RECHECK);
  channel.postMessage(message);
  channel.close();
}

/** At once, since the answer of `GET /v1/session` may take long. */
function endWork(): void {
  abortAllWork();
  forgetDrafts();
}

/** Drafts can have secrets in them. A session that ends by itself keeps them, so that its user can go on. */
function forgetDrafts(): void {
  try {
    sessionStorage.clear(); // it holds nothing else
  } catch {
    // The browser keeps nothing.
  }
}
