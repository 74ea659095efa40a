import express from 'express';
import type { IncomingMessage } from 'node:http';

import { AppError, toError } from '../../errors.js';

/** Limits of a request body. With `perItem`, depth and number of values are limited for each member of the list. */
export interface BodyLimits {
  maxBytes: number;
  perItem?: boolean;
}

/** Limits of a body with one object. */
export const SMALL_BODY: BodyLimits = { maxBytes: 64 * 1024 };
/** Limits of a body with a list of objects. */
export const BULK_BODY: BodyLimits = { maxBytes: 16 * 1024 * 1024, perItem: true };

const MAX_DEPTH = 16;
const MAX_NODES = 5_000;
/** Names that have a meaning in JavaScript. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** Reads and parses the body; undefined if the request has none. @throws AppError. */
export async function readJsonBody(
  request: express.Request,
  response: express.Response,
  limits: BodyLimits,
): Promise<unknown> {
  if (!hasBody(request)) return undefined;
  refuseOtherTypes(request);
  const bytes = await readBytes(request, response, limits.maxBytes);
  if (bytes === undefined || bytes.length === 0) return undefined;
  const value = parse(bytes);
  if (limits.perItem && Array.isArray(value)) for (const item of value) refuseUnreasonable(item);
  else refuseUnreasonable(value);
  return value;
}

/** True if the headers announce a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function refuseOtherTypes({ headers }: IncomingMessage): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.replace(/^charset="?|"$/g, '');
  if (type !== 'application/json') throw new AppError('unsupported_media_type', `Unknown mimetype: ${type}`);
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    throw new AppError('unsupported_media_type', `Unsupported charset: ${charset}`);
  }
}

/** Refuses compressed bodies, so that `limit` is also the limit of the memory that the body takes. */
function readBytes(request: express.Request, response: express.Response, limit: number): Promise<Buffer | undefined> {
  const read = express.raw({ type: () => true, limit, inflate: false });
  return new Promise((resolve, reject) => {
    read(request, response, (thrown?: unknown) => {
      if (thrown === undefined || thrown === null) resolve(Buffer.isBuffer(request.body) ? request.body : undefined);
      else reject(bodyError(thrown, limit));
    });
  });
}

function bodyError(thrown: unknown, limit: number): Error {
  const status = thrown instanceof Error && 'status' in thrown ? thrown.status : undefined;
  const cause = { cause: thrown };
  if (status === 413) return new AppError('too_large', `The request body is larger than ${limit} bytes`, cause);
  if (status === 415)
    return new AppError('unsupported_media_type', 'Compressed request bodies are not supported', cause);
  if (typeof status === 'number' && status < 500)
    return new AppError('invalid_request', 'The request body could not be read', cause);
  return toError(thrown);
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new AppError('invalid_request', 'Request is not in valid JSON format', { cause });
  }
}

function refuseUnreasonable(value: unknown): void {
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
