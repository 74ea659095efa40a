/**
 * SQL for the body of a notification `n`. All notifications of a transition or repeat share a row of
 * `notification_bodies`; those of the first release have a body of their own.
 */
export const BODY = `coalesce(n.body, (select b.body from notification_bodies b where b.id = n.body_id))`;
