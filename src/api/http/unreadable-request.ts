import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { pythonJson } from '../../alarm/wire/python-json.js';
import { errorAnswer } from '../answers/error-answer.js';
import { REQUEST_ID_HEADER } from './request-id.js';

interface Refusal {
  status: number;
  fault: string;
}

/** Errors of the Node.js parser that have their own status. All others are 400. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, fault: 'The headers of the request are larger than 16384 bytes' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, fault: 'The chunk extensions of the request are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, fault: 'The request did not arrive in time' },
};
const NOT_HTTP: Refusal = { status: 400, fault: 'The request is not valid HTTP' };

/**
 * Answers requests that the parser refuses in the format of all errors; Node.js would send a bare status. No answer is
 * sent if an answer to an earlier request has begun on the same connection.
 */
export function answerUnreadableRequests(server: Server): void {
  const answers = new WeakMap<Duplex, ServerResponse>();
  server.prependListener('request', ({ socket }, response) => answers.set(socket, response));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const answer = answers.get(socket);
    const isUnderWay = answer !== undefined && answer.headersSent && !answer.writableFinished;
    if (error.code === 'ECONNRESET' || !socket.writable || isUnderWay) socket.destroy();
    else socket.end(textOf(REFUSALS[error.code ?? ''] ?? NOT_HTTP), () => socket.destroy());
  });
  // An unknown expectation may be ignored (RFC 9110, 10.1.1). Node.js would answer a bare 417 by default.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

function textOf({ status, fault }: Refusal): string {
  const body = pythonJson(errorAnswer(status, fault));
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `${REQUEST_ID_HEADER}: req-${randomUUID()}`,
    '',
    body,
  ].join('\r\n');
}
