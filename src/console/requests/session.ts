import type { components } from '../../client/openapi-types.js';

export type ShownAuthMode = components['schemas']['Session']['auth_mode'];

/** How readers sign in: a caller without a session cannot ask, so it is in the page. */
export function authMode(): ShownAuthMode | undefined {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="tocsin-auth-mode"]');
  return meta?.content as ShownAuthMode | undefined;
}

/** Name of the event in this tab, and of the channel to the other tabs of the browser, which have the same session. */
const DOUBT = 'tocsin-session';

/** Says that the session may have ended, or that another one has begun. */
export function doubtSession(): void {
  dispatchEvent(new Event(DOUBT));
}

/** The same, in all tabs of the browser. */
export function doubtSessionInAllTabs(): void {
  doubtSession();
  tellOtherTabs(null);
}

/** Says that the reader has signed out, in all tabs of the browser. */
export function tellSignedOut(): void {
  forgetDrafts();
  doubtSession();
  tellOtherTabs(SIGNED_OUT);
}

/** Calls `listener` when the session should be asked for again. Returns the function that ends this. */
export function watchSession(listener: () => void): () => void {
  const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(DOUBT) : undefined;
  channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (data === SIGNED_OUT) forgetDrafts();
    listener();
  });
  addEventListener(DOUBT, listener);
  return () => {
    channel?.close();
    removeEventListener(DOUBT, listener);
  };
}

const SIGNED_OUT = 'signed out';

function tellOtherTabs(message: string | null): void {
  if (!('BroadcastChannel' in globalThis)) return;
  const channel = new BroadcastChannel(DOUBT);
  channel.postMessage(message);
  channel.close();
}

/** Drafts can have secrets in them. A session that ends by itself keeps them, so that its reader can go on. */
function forgetDrafts(): void {
  try {
    sessionStorage.clear(); // it holds nothing else
  } catch {
    // The browser keeps nothing.
  }
}
