import { BackendUnavailable } from './backend-unavailable.js';

/** Parses JSON. Undefined if the text is not JSON, such as the error page of a proxy. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Parses JSON. @throws BackendUnavailable if the text is not JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BackendUnavailable('its answer is not JSON', { cause });
  }
}
