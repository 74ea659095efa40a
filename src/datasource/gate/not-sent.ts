import { BackendUnavailable } from '../../http/backend-unavailable.js';

/** A request was not sent, since too many others were sent before it. This says nothing about the backend. */
export class NotSent extends BackendUnavailable {
  override readonly name = 'NotSent';

  constructor(cause?: unknown) {
    super('not asked yet: Tocsin has more requests than the backend answers in time', { cause });
  }
}
