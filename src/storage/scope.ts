import type { Conditions } from './conditions.js';

/**
 * The rows that a statement may see: those of one project, or all. Make `all` only from an admin's identity. Every
 * function on data of tenants takes a scope.
 */
export type Scope = { readonly projectId: string } | { readonly all: true };

/** Adds the scope as a condition on the column with the owner's project. */
export function restrictToScope(scope: Scope, column: string, conditions: Conditions): void {
  if (!('all' in scope)) conditions.add(`${column} = ${conditions.parameter(scope.projectId, 'text')}`);
}

/** Returns the scope as a parameter of a statement with a fixed text: the project, or null for all rows. */
export function scopeParameter(scope: Scope): string | null {
  return 'all' in scope ? null : scope.projectId;
}
