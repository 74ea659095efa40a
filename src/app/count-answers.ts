import type { Telemetry } from '../telemetry.js';

const METHODS = new Set(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH']);

/** Counts the answers of the API. Unknown methods become `other`, so that clients cannot create labels. */
export function countAnswers(telemetry: Pick<Telemetry, 'apiRequests'>): (method: string, status: number) => void {
  return (method, status) =>
    telemetry.apiRequests.inc({ method: METHODS.has(method) ? method : 'other', status: String(status) });
}
