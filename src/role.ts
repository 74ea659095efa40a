/** Roles of callers of the API, lowest first. Each includes the ones before it. */
export const ROLES = ['reader', 'member', 'admin'] as const;
/** One of the roles. */
export type Role = (typeof ROLES)[number];
