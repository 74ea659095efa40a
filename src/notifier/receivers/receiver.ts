/** One notification on its way to one receiver. */
export interface Delivery {
  /** Never changes: the same for every attempt and replay. */
  id: string;
  alarmId: string;
  projectId: string | null;
  /** The alarm's state version: tells order. */
  sequence: number;
  transitionTime: Date;
  /** The action as its owner wrote it, byte for byte. */
  action: string;
  /** Sent as it is. */
  body: string;
  attempt: number;
}

/**
 * `error` of an answer by which a receiver refuses the request. With outcome `retry` the refusal may pass, and the
 * schedule for rejected attempts applies.
 */
export const REJECTED = 'rejected';

/** What came of one attempt. `error` is a class that a tenant may read, never the text of an exception or an answer. */
export type DeliveryOutcome =
  | { kind: 'delivered'; httpStatus?: number }
  | { kind: 'retry'; error: string; httpStatus?: number; retryAfterMs?: number }
  | { kind: 'dead'; error: string; httpStatus?: number };

/** One kind of receiver. One folder each; `registry.ts` lists them. */
export interface Receiver {
  /**
   * One attempt. What goes wrong at the receiver is an outcome; a rejection is a fault of ours.
   * Ends soon after `signal` aborts.
   */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome>;
  close?(): Promise<void>;
}
