import type { Conditions } from './conditions.js';

/**
 * Whose rows a statement may see. `all` is made from an admin's identity only. Every function on tenants' data takes
 * one.
 */
export type Scope = { readonly projectId: string } | { readonly all: true };

/** Adds the scope as a condition on the column that names the owner. */
export function restrictToScope(scope: Scope, column: string, conditions: Conditions): void {
  if (!('all' in scope)) conditions.add(`${column} = ${conditions.parameter(scope.projectId, 'text')}`);
}

/** The scope as a parameter for statements with a fixed text: null sees all. */
export function scopeParameter(scope: Scope): string | null {
  return 'all' in scope ? null : scope.projectId;
}
