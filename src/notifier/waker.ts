/** Says that there is work in the outbox. What work, the outbox alone knows: a ring may be lost, doubled or late. */
export interface NotifierWaker {
  /** Never throws, never waits. */
  wake(notifications: number): void;
}

/** Of one process: heard at once by whoever listens in it. */
export interface LocalWaker extends NotifierWaker {
  /** One listener; before there is one, rings are lost, and the sweeper finds the work. */
  onWake(listener: () => void): void;
}

export function createLocalWaker(): LocalWaker {
  let listener: () => void = () => undefined;
  return {
    wake: () => listener(),
    onWake(next) {
      listener = next;
    },
  };
}
