import { sqlState } from './database.js';

/** Classes of SQLSTATE that say "not now" rather than "never so": connection, resources, operator, system, lock and statement timeouts. */
const PASSING = /^(08|53|57|58|40001|40P01|25006|55P03|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)/;
const WITHOUT_CODE =
  /timeout exceeded when trying to connect|Connection terminated|Cannot use a pool|embedded database has stopped/i;

/** Whether a failure is the database being away, full, read-only or overloaded: the same request may succeed later. */
export function isOutage(thrown: unknown): boolean {
  const state = sqlState(thrown);
  if (state !== undefined) return PASSING.test(state);
  return thrown instanceof Error && WITHOUT_CODE.test(thrown.message);
}
