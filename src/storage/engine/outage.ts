import { toError } from '../../errors.js';
import { sqlState } from '../database.js';

/**
 * The database failed, and not because of a fault of this service: the connection, the pool, the driver, the server,
 * its machine or its configuration. The PostgreSQL and PGlite adapters wrap such failures where they arise, so that no
 * other code has to recognise them. A later retry may succeed.
 */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
  /** The SQLSTATE of the server, or the error code of Node.js; undefined if the failure has none. */
  readonly code: string | undefined;
  /** True if a change was sent and its answer was lost: it may or may not have been made. */
  readonly isOutcomeUnknown: boolean;

  constructor(cause: unknown, { isOutcomeUnknown = false }: { isOutcomeUnknown?: boolean } = {}) {
    super(toError(cause).message, { cause });
    this.code = sqlState(cause);
    this.isOutcomeUnknown = isOutcomeUnknown;
  }
}

/** Matches an SQLSTATE, but not an error code of Node.js with five characters, such as `EPIPE`. */
const SQLSTATE = /^(?:\d[0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}$/;
/** Errors of a wrong call of the driver, which would fail again. */
const MISUSE_NAMES = new Set(['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError', 'DataCloneError']);
const MISUSE_MESSAGES =
  /^(A query must have either|Prepared statements must be unique|Query values must be an array|circular reference detected|Release called on client|Called end on pool more than once)/;

/**
 * SQLSTATEs of faults of this service, which would fail again: a wrong statement, a value that the schema refuses, a
 * wrong state of the transaction, an exceeded limit of PostgreSQL. Every other SQLSTATE is a failure of the database.
 */
const FAULT_STATES = /^(0A|2[01234]|25001|25P01|25P02|34|42|44|54|P0)/;
/** Exception: the operator has taken a privilege away. */
const NO_PRIVILEGE = '42501';

/**
 * Wraps an error of the driver in `DatabaseUnavailable`, unless it is known to be a fault of this service: a wrong call
 * of the driver, or a statement that the server refuses.
 */
export function asDatabaseFailure(thrown: unknown): Error {
  const error = toError(thrown);
  return error instanceof DatabaseUnavailable || isFault(error) ? error : new DatabaseUnavailable(error);
}

/** The same for an error after which it is unknown whether the change that was sent has been made. */
export function asUnknownOutcome(thrown: unknown): Error {
  const failure = asDatabaseFailure(thrown);
  if (!(failure instanceof DatabaseUnavailable)) return failure;
  return new DatabaseUnavailable(failure.cause, { isOutcomeUnknown: true });
}

function isFault(error: Error): boolean {
  const state = stateOf(error);
  if (state === undefined) return MISUSE_NAMES.has(error.name) || MISUSE_MESSAGES.test(error.message);
  return FAULT_STATES.test(state) && state !== NO_PRIVILEGE && !isStalePlan(error, state);
}

/** True for a statement that was prepared before a migration. A new connection prepares it again. */
function isStalePlan(error: Error, state: string): boolean {
  return state === '0A000' && error.message.includes('cached plan');
}

/**
 * True if the server has refused a statement and the session goes on. False if the answer was lost, or the server has
 * ended the session: what was sent last may have been done.
 */
export function isAnswered(thrown: unknown): boolean {
  const error = thrown instanceof DatabaseUnavailable ? thrown.cause : thrown;
  if (stateOf(error) === undefined) return false;
  // PGlite has no severity in its answers: a session of its own cannot end.
  return !(error instanceof Error && 'severity' in error && error.severity !== 'ERROR');
}

/** Failures that go on in the same session: a plan of before a migration, a lost statement, a standby. */
const SESSION_STATES = new Set(['0A000', '26000', '25006']);

/** True if a new connection may do better than the one that failed so. */
export function needsNewConnection(thrown: unknown): boolean {
  if (!(thrown instanceof DatabaseUnavailable)) return false;
  return !isAnswered(thrown) || SESSION_STATES.has(thrown.code ?? '');
}

function stateOf(thrown: unknown): string | undefined {
  const code = sqlState(thrown) ?? '';
  return SQLSTATE.test(code) ? code : undefined;
}

/** True if a statement may change data. Some others also match. */
export function mayChangeData(text: string): boolean {
  return /\b(?:insert|update|delete|merge|commit|create|alter|drop)\b/i.test(text);
}
