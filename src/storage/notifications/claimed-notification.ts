/** A claimed notification. The outcome of the attempt must be recorded with the same `attempt` number. */
export interface ClaimedNotification {
  id: string;
  alarmId: string;
  projectId: string | null;
  kind: 'transition' | 'repeat';
  sequence: number;
  transitionTime: Date;
  action: string;
  /** Id of the delivery queue. */
  lane: string;
  host: string;
  body: string;
  attempt: number;
  /**
   * Position in the retry schedule: the number of attempts since creation or the last replay, including this one.
   * Attempts that a repeat, a replay, a resumed pause or an edit brought forward do not count.
   */
  attemptInSchedule: number;
  /**
   * End of the first attempt in the present series of `rejected` attempts since creation or the last replay. Null if
   * the last attempt was not rejected.
   */
  rejectedSince: Date | null;
  createdAt: Date;
  /** False if the host was new, or had not answered its last attempt, at the time of the claim. */
  isHostResponsive: boolean;
}
