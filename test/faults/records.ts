import type { AlarmState } from '../../src/alarm/state.js';

/*
 * What a run leaves behind: records of the world, of the database and of the receivers, which are taken independently
 * of one another. All times are milliseconds since 1970 on the one clock of this machine.
 */

/** One request that a receiver got. Requests are in the order of their arrival. */
export interface ReceivedCall {
  atMs: number;
  /** Id of the notification. */
  id: string;
  /** SHA-256 of the body, hexadecimal. */
  bodyHash: string;
  /** State version of the alarm, as the header says. */
  sequence: number;
  /** The receiver, alarm and action that the URL names: one delivery queue. */
  queue: string;
  /** Time in milliseconds of the request's `webhook-timestamp`. */
  claimedMs: number;
  /** The answer that was sent as a whole; 0 for none. */
  status: number;
  /** When it was sent; undefined for none. */
  answeredMs?: number;
}

/** One state transition in the history. */
export interface RecordedTransition {
  alarmId: string;
  stateVersion: number;
  previousState: string | null;
  state: AlarmState;
  atMs: number;
}

/** One notification in the database. */
export interface RecordedNotification {
  id: string;
  alarmId: string;
  sequence: number;
  actionList: string;
  actionIndex: number;
  status: string;
  bodyHash: string;
  nextAttemptMs: number;
  /** When its transition was committed. */
  createdMs: number;
}

/** An alarm on a square wave. */
export interface WatchedAlarm {
  id: string;
  number: number;
  createdMs: number;
  /** When its deletion was requested; undefined for never. */
  deletedMs?: number;
  /** True if clients edit it meanwhile: each edit sets its state, as any PUT without a state. */
  isEdited: boolean;
  /** Number of actions in each state. */
  actions: Readonly<Record<AlarmState, number>>;
}

/** When a partition was evaluated, as its row says. */
export interface SeenEvaluation {
  partition: number;
  atMs: number;
}

/** An acknowledged write of an alarm through the API, and what the database has at the end. */
export interface AcknowledgedWrite {
  alarmId: string;
  kind: 'create' | 'edit' | 'delete';
  /** Description that the alarm may have: the last acknowledged one, and those of later writes without an answer. */
  expected: readonly string[];
  /** Its description at the end; undefined if it is not there. */
  found: string | undefined;
  /** Of a deleted alarm: its transitions when the deletion was acknowledged, and at the end. */
  transitions?: { before: number; after: number };
}

/** A long outage of the metrics backend. */
export interface BackendOutage {
  /** Requests a second of the evaluator that asks most, from the thirtieth second on. */
  askedPerSecond: number;
}

/** An injected fault. */
export interface RecordedFault {
  id: string;
  kind: string;
  /** What it did, as text. */
  detail: string;
  fromMs: number;
  /** When it was healed. */
  toMs: number;
  /** Evidence that it took effect; undefined if there is none. */
  evidence: string | undefined;
  /** True if alarms cannot be evaluated meanwhile: the database or the metrics backend is down. */
  isOutage: boolean;
  /** Most notifications that receivers may get once more because of it. */
  mayRepeat: number;
  /** True if no notification can be sent meanwhile. */
  stopsDelivery?: boolean | undefined;
  /** When partitions changed hands because of it; undefined for once. */
  changesMs?: readonly number[] | undefined;
  /** Of an outage of the metrics backend that was longer than alarms keep their state. */
  outage?: BackendOutage | undefined;
  /** By how much the wall clocks of some processes jumped. */
  jumpMs?: number | undefined;
  /** Index of the only receiver that it concerns; undefined for any. */
  onlyReceiver?: number | undefined;
  /** Number of the only alarm that it concerns; undefined for any. */
  onlyAlarm?: number | undefined;
}

/** A time in which the machine was too busy for this process to run. */
export interface Stall {
  fromMs: number;
  toMs: number;
}

/** Time since the boot of the machine in which at least one process waited for a processor. */
export interface PressureSample {
  atMs: number;
  waitedMs: number;
}

/** How a process ended that was asked to stop. */
export interface StoppedProcess {
  name: string;
  tookMs: number;
  exitCode: string;
  atMs: number;
}

/** All records of a run. */
export interface RunRecords {
  /** First and last time at which alarms must be evaluated. */
  fromMs: number;
  toMs: number;
  /** When the database was read. */
  readMs: number;
  alarms: readonly WatchedAlarm[];
  transitions: readonly RecordedTransition[];
  notifications: readonly RecordedNotification[];
  calls: readonly ReceivedCall[];
  evaluations: readonly SeenEvaluation[];
  /** Furthest that the moment of a query to the metrics backend was from the present one. */
  furthestQueryMs: number;
  /** The last acknowledged write of each alarm that clients wrote, and the number of all of them. */
  writes: readonly AcknowledgedWrite[];
  acknowledgedWrites: number;
  faults: readonly RecordedFault[];
  stalls: readonly Stall[];
  stops: readonly StoppedProcess[];
  /** Samples of the total time in which processes waited for a processor, in the order of time; none if unknown. */
  pressure: readonly PressureSample[];
  /** Processes that ended without being asked to. */
  crashes: readonly string[];
}
