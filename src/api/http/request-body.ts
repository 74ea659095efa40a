import type { IncomingMessage } from 'node:http';

import { yieldToEventLoop } from '../../async/event-loop.js';
import { AppError } from '../../errors.js';
import { SMALL_BODY_BYTES, type BodyShare } from './body-shares.js';
import { refuseUnreasonable } from './json-limits.js';
import { JsonList, parseJson, type NextTimeSlice } from './json-list.js';

/** Limits of a request body. Of a list, depth and number of values are limited for each item. */
export interface BodyLimits {
  maxBytes: number;
  isList?: boolean;
  /** Of each item of a list; 512 KiB without it. */
  maxItemBytes?: number;
}

const MIB = 1024 * 1024;

/** Limits of a body with one object. */
export const SMALL_BODY: BodyLimits = { maxBytes: SMALL_BODY_BYTES };
/** Limits of a body with an object that lists ids. */
export const ID_LIST_BODY: BodyLimits = { maxBytes: MIB };
/** Limits of a body with a list of objects. */
export const BULK_BODY: BodyLimits = { maxBytes: 16 * MIB, isList: true };
/** Limits of a body with a list of samples. Only the metadata of one can be long. */
export const SAMPLES_BODY: BodyLimits = { ...BULK_BODY, maxItemBytes: SMALL_BODY_BYTES };

/** The bytes of the body, counted in its share; undefined if the request has none. @throws AppError. */
export async function readBody(
  request: IncomingMessage,
  { maxBytes }: BodyLimits,
  share: BodyShare,
): Promise<Buffer | undefined> {
  if (!hasBody(request)) return undefined;
  refuseOtherTypes(request);
  const announced = Number(request.headers['content-length'] ?? 0);
  refuseLargeBody(announced, maxBytes);
  share.announce(announced);
  const bytes = await bytesOf(request, maxBytes, share);
  return bytes.length === 0 ? undefined : bytes;
}

/**
 * Reads the rest of a refused body, since most clients read the answer when they have written the whole request.
 * Node.js would read up to 2 MiB of each connection at once.
 */
export async function discardBody(request: IncomingMessage): Promise<void> {
  try {
    for await (const _ of request) await yieldToEventLoop();
  } catch {
    // The client has left.
  }
}

/** A body above this takes a millisecond or more to parse and check. */
const LONG_BODY_BYTES = 8 * 1024;

/** The body of a route whose body is one JSON value. A long one waits for its project's turn. @throws AppError. */
export async function jsonValue(bytes: Buffer | undefined, nextTimeSlice: NextTimeSlice): Promise<unknown> {
  if (bytes === undefined) return undefined;
  if (bytes.length > LONG_BODY_BYTES) await nextTimeSlice();
  const value = parseJson(bytes);
  refuseUnreasonable(value);
  return value;
}

/** The body of a route whose body is a list. @throws AppError. */
export async function jsonList(
  bytes: Buffer | undefined,
  { maxItemBytes }: BodyLimits,
  nextTimeSlice: NextTimeSlice,
): Promise<JsonList | undefined> {
  return bytes && JsonList.parse(bytes, { nextTimeSlice, maxItemBytes });
}

/** True if the headers announce a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Refuses compressed bodies, too, so that `maxBytes` is also the limit of the memory that the body takes. */
function refuseOtherTypes({ headers }: IncomingMessage): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.replace(/^charset="?|"$/g, '');
  if (type !== 'application/json') throw new AppError('unsupported_media_type', `Unknown mimetype: ${type}`);
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    throw new AppError('unsupported_media_type', `Unsupported charset: ${charset}`);
  }
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity')
    throw new AppError('unsupported_media_type', 'Compressed request bodies are not supported');
}

async function bytesOf(request: IncomingMessage, maxBytes: number, share: BodyShare): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // The refusal of a body must not destroy the connection, on which its answer is sent.
  const arriving = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  try {
    for await (const chunk of arriving) {
      size += chunk.length;
      refuseLargeBody(size, maxBytes);
      share.arrived(chunk.length);
      chunks.push(chunk);
      if (size > SMALL_BODY_BYTES) await yieldToEventLoop(); // a large body must not keep other connections waiting
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('invalid_request', 'The request body could not be read', { cause });
  }
  return Buffer.concat(chunks, size);
}

function refuseLargeBody(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw new AppError('too_large', `The request body is larger than ${maxBytes} bytes`);
}
