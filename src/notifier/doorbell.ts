/** Says that there is work in the outbox. What work, the outbox alone knows: a ring may be lost, doubled or late. */
export interface Doorbell {
  /** Never throws, never waits. */
  ring(notifications: number): void;
}

/** Of one process: heard at once by whoever listens in it. */
export interface LocalDoorbell extends Doorbell {
  /** One listener; before there is one, rings are lost, and the sweeper finds the work. */
  onRing(listener: () => void): void;
}

export function createLocalDoorbell(): LocalDoorbell {
  let listener: () => void = () => undefined;
  return {
    ring: () => listener(),
    onRing(next) {
      listener = next;
    },
  };
}
