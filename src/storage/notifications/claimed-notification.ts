/** All that is needed to send one notification. `attempt` is the number that its outcome must carry. */
export interface ClaimedNotification {
  id: string;
  alarmId: string;
  projectId: string | null;
  kind: 'transition' | 'repeat';
  sequence: number;
  transitionTime: Date;
  action: string;
  lane: string;
  host: string;
  body: string;
  attempt: number;
  /**
   * The position in the retry schedule: attempts since creation or the last replay, including this one, without
   * attempts that a repeat, a replay, a resumed pause or an edit brought forward.
   */
  attemptInSchedule: number;
  /**
   * End of the first attempt in the present series of `rejected` attempts, in this run of the schedule; null if the
   * last one was not rejected.
   */
  rejectedSince: Date | null;
  createdAt: Date;
  /** True if the host had answered its last attempt when this notification was claimed. */
  isHostResponsive: boolean;
}
