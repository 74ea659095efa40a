import type { RequestHandler, Response } from 'express';
import { randomUUID } from 'node:crypto';

export const REQUEST_ID_HEADER = 'x-openstack-request-id';

/**
 * Every answer carries an id of its own, under which the log can be searched. A client's id is not echoed, as in Aodh.
 */
export const assignRequestId: RequestHandler = (_request, response, next) => {
  response.setHeader(REQUEST_ID_HEADER, `req-${randomUUID()}`);
  next();
};

export function requestIdOf(response: Response): string {
  return String(response.getHeader(REQUEST_ID_HEADER));
}
