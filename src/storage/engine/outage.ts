import { toError } from '../../errors.js';
import { sqlState } from '../database.js';

/**
 * The connection to the database failed: driver, pool, socket, TLS, or the thread of the embedded database. Such
 * failures have no SQLSTATE. The PostgreSQL and PGlite adapters wrap them in this error, to distinguish them from
 * failures of other services and from bugs.
 */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';

  constructor(cause: unknown) {
    super(toError(cause).message, { cause });
  }
}

/** Matches an SQLSTATE, but not an error code of Node.js with five characters, such as `EPIPE`. */
const SQLSTATE = /^(?:\d[0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}$/;
/** Errors of a wrong call of the driver, which would fail again. */
const MISUSE_NAMES = new Set(['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError', 'DataCloneError']);
const MISUSE_MESSAGES =
  /^(A query must have either|Prepared statements must be unique|Query values must be an array|circular reference detected|Release called on client|Called end on pool more than once)/;

/**
 * SQLSTATEs of outages rather than of wrong statements: connection, authentication, resources, operator, system,
 * configuration, damaged data, lock and statement timeouts, a read-only server, a session that the server ended, a
 * missing database.
 */
const OUTAGE_STATES = /^(08|28|53|57|58|F0|40001|40P01|25006|25P03|25P04|3D000|55P03|XX001|XX002)/;

/**
 * Converts an error of the driver into `DatabaseUnavailable`, unless the server refused the statement or the call
 * itself was wrong.
 */
export function asDatabaseFailure(thrown: unknown): Error {
  const error = toError(thrown);
  const isRefusal = SQLSTATE.test(sqlState(error) ?? '');
  const isMisuse = MISUSE_NAMES.has(error.name) || MISUSE_MESSAGES.test(error.message);
  return isRefusal || isMisuse || error instanceof DatabaseUnavailable ? error : new DatabaseUnavailable(error);
}

/** Returns true if the database is unavailable, full, read-only or overloaded, so that a later retry may succeed. */
export function isDatabaseOutage(thrown: unknown): boolean {
  if (thrown instanceof DatabaseUnavailable) return true;
  const state = sqlState(thrown) ?? '';
  return SQLSTATE.test(state) && (OUTAGE_STATES.test(state) || isStalePlan(thrown, state));
}

/** Returns true for a statement that was prepared before a migration. A new connection prepares it again. */
function isStalePlan(thrown: unknown, state: string): boolean {
  return state === '0A000' && toError(thrown).message.includes('cached plan');
}
