import type { NotificationKind } from '../../alarm/notification.js';

/** One attempt to deliver one notification. */
export interface Delivery {
  /** Id of the notification, the same for every attempt and replay. */
  id: string;
  /** A receiver says of a test that it is one, where its messages have a place for that. */
  kind: NotificationKind;
  alarmId: string;
  projectId: string | null;
  /** The alarm's state version. It rises with each transition, so receivers can restore the order. */
  sequence: number;
  transitionTime: Date;
  /** The action as its owner wrote it, byte for byte. */
  action: string;
  /** JSON text, sent unchanged. */
  body: string;
  attempt: number;
}

/**
 * The `error` of an outcome when the receiver refuses the request. With `kind: 'retry'` the cause may be temporary, and
 * the schedule for rejected attempts applies.
 */
export const REJECTED = 'rejected';

/**
 * The outcome of one attempt. Tenants can read `error`, so it is a class of errors and never the text of an exception
 * or of an answer.
 */
export type DeliveryOutcome = (
  | { kind: 'delivered'; httpStatus?: number }
  | { kind: 'retry'; error: string; httpStatus?: number; retryAfterMs?: number }
  | { kind: 'dead'; error: string; httpStatus?: number }
) & {
  /** Start of the receiver's answer to a test, in printable characters. Only admins may see it. */
  answer?: string;
};

/** One kind of receiver. Each has its own folder and its entry in `registry.ts`. */
export interface Receiver {
  /**
   * Makes one attempt. A failure of the receiver is an outcome; the promise rejects only for a fault of this service.
   * Settles soon after `signal` aborts.
   */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome>;
  close?(): Promise<void>;
}
