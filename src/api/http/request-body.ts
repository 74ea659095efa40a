import express from 'express';
import type { IncomingMessage } from 'node:http';

import { AppError, toError } from '../../errors.js';

/** How large a body may be. With `perItem`, depth and nodes are counted for each member of the list. */
export interface BodyLimits {
  maxBytes: number;
  perItem?: boolean;
}

export const SMALL_BODY: BodyLimits = { maxBytes: 64 * 1024 };
export const BULK_BODY: BodyLimits = { maxBytes: 16 * 1024 * 1024, perItem: true };

const MAX_DEPTH = 16;
const MAX_NODES = 5_000;
/** Names that mean something to JavaScript itself. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** The body as a JSON value, or undefined when there is none. */
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

/** Not decompressed: what arrives is what is counted. */
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
  const way: string[] = [];
  const visit = (node: unknown, depth: number): void => {
    nodes += 1;
    if (nodes > MAX_NODES) throw new AppError('invalid_request', `Request has more than ${MAX_NODES} values`);
    if (typeof node === 'string') refuseUnstorable(node, way);
    if (typeof node !== 'object' || node === null) return;
    if (depth >= MAX_DEPTH) throw new AppError('invalid_request', `Request is nested deeper than ${MAX_DEPTH} levels`);
    for (const [key, member] of Object.entries(node)) {
      if (FORBIDDEN_KEYS.has(key)) {
        throw new AppError('invalid_request', `Unknown attribute for argument ${['data', ...way].join('.')}: ${key}`);
      }
      refuseUnstorable(key, way);
      way.push(key);
      visit(member, depth + 1);
      way.pop();
    }
  };
  visit(value, 0);
}

/** The database stores neither NUL nor half a surrogate pair. */
function refuseUnstorable(text: string, way: readonly string[]): void {
  if (text.includes('\0') || /\p{Surrogate}/u.test(text)) {
    const where = way.length === 0 ? '' : `: ${way.join('.')}`;
    throw new AppError('invalid_request', `Request contains characters that cannot be stored${where}`);
  }
}
