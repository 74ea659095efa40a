import type { RequestHandler, Response } from 'express';
import { randomUUID } from 'node:crypto';

/** The header that carries the id of the request in every answer, also in Aodh. */
export const REQUEST_ID_HEADER = 'x-openstack-request-id';

/** Gives each answer an id that the log lines of the request carry too. As in Aodh, a client's own id is not echoed. */
export const assignRequestId: RequestHandler = (_request, response, next) => {
  response.setHeader(REQUEST_ID_HEADER, `req-${randomUUID()}`);
  next();
};

/** The id that `assignRequestId` gave to the request. */
export function requestIdOf(response: Response): string {
  return String(response.getHeader(REQUEST_ID_HEADER));
}
