import { AppError } from '../../errors.js';

const MAX_DEPTH = 16;
const MAX_NODES = 5_000;
/** Names that have a meaning in JavaScript. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** Refuses a JSON value that is too deep or too large, or that the database cannot store. @throws AppError. */
export function refuseUnreasonable(value: unknown): void {
  let nodes = 0;
  const path: string[] = [];
  const visit = (node: unknown, depth: number): void => {
    nodes += 1;
    if (nodes > MAX_NODES) throw new AppError('invalid_request', `Request has more than ${MAX_NODES} values`);
    if (typeof node === 'string') refuseUnstorable(node, path);
    if (typeof node !== 'object' || node === null) return;
    if (depth >= MAX_DEPTH) throw new AppError('invalid_request', `Request is nested deeper than ${MAX_DEPTH} levels`);
    for (const [key, member] of Object.entries(node)) {
      if (FORBIDDEN_KEYS.has(key)) {
        throw new AppError('invalid_request', `Unknown attribute for argument ${['data', ...path].join('.')}: ${key}`);
      }
      refuseUnstorable(key, path);
      path.push(key);
      visit(member, depth + 1);
      path.pop();
    }
  };
  visit(value, 0);
}

/** The database stores neither NUL nor half a surrogate pair. */
function refuseUnstorable(text: string, path: readonly string[]): void {
  if (text.includes('\0') || /\p{Surrogate}/u.test(text)) {
    const where = path.length === 0 ? '' : `: ${path.join('.')}`;
    throw new AppError('invalid_request', `Request contains characters that cannot be stored${where}`);
  }
}
