/** Roles of a caller of the API, lowest first. Each includes those before it. */
export const ROLES = ['reader', 'member', 'admin'] as const;
export type Role = (typeof ROLES)[number];
