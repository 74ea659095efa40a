/** Tells notifiers that notifications are due. A wake-up has no content and can be lost, repeated or late. */
export interface NotifierWaker {
  /** `notifications`: how many are due, which decides how many notifiers wake. Never throws or blocks. */
  wake(notifications: number): void;
}

/** Wakes the notifier of this process. */
export interface LocalWaker extends NotifierWaker {
  /** Sets the one listener. Until it is set, wake-ups are lost and the outbox sweeper finds the notifications. */
  onWake(listener: () => void): void;
}

/** A waker for one process, without Redis. */
export function createLocalWaker(): LocalWaker {
  let listener: () => void = () => undefined;
  return {
    wake: () => listener(),
    onWake(next) {
      listener = next;
    },
  };
}
