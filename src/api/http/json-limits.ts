import { AppError } from '../../errors.js';

const MAX_DEPTH = 16;
const MAX_NODES = 5_000;
/** Names that have a meaning in JavaScript. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** Refuses a JSON value that is too deep or too large, or that the database cannot store. @throws AppError. */
export function refuseUnreasonable(value: unknown): void {
  refuseOversized(value, (node, path) => {
    const key = path.at(-1) ?? '';
    if (FORBIDDEN_KEYS.has(key)) {
      const where = ['data', ...path.slice(0, -1)].join('.');
      throw new AppError('invalid_request', `Unknown attribute for argument ${where}: ${key}`, { field: [...path] });
    }
    if (isUnstorable(key)) throw unstorable(path.slice(0, -1));
    if (typeof node === 'string' && isUnstorable(node)) throw unstorable(path);
  });
}

/**
 * Refuses a JSON value that is too deep or too large: work on it would overflow the stack, or block the event loop.
 * Calls `visit` with each value and the keys on the way to it.
 * @throws AppError.
 */
export function refuseOversized(value: unknown, visit?: (node: unknown, path: readonly string[]) => void): void {
  let nodes = 0;
  const path: string[] = [];
  const descend = (node: unknown, depth: number): void => {
    nodes += 1;
    if (nodes > MAX_NODES) throw new AppError('invalid_request', `Request has more than ${MAX_NODES} values`);
    visit?.(node, path);
    if (typeof node !== 'object' || node === null) return;
    if (depth >= MAX_DEPTH) throw new AppError('invalid_request', `Request is nested deeper than ${MAX_DEPTH} levels`);
    for (const [key, member] of Object.entries(node)) {
      path.push(key);
      descend(member, depth + 1);
      path.pop();
    }
  };
  descend(value, 0);
}

/** The database stores neither NUL nor half a surrogate pair. */
function isUnstorable(text: string): boolean {
  return text.includes('\0') || /\p{Surrogate}/u.test(text);
}

function unstorable(path: readonly string[]): AppError {
  const where = path.length === 0 ? '' : `: ${path.join('.')}`;
  const message = `Request contains characters that cannot be stored${where}`;
  return new AppError('invalid_request', message, path.length === 0 ? {} : { field: [...path] });
}
