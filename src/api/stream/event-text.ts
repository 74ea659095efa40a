import { pythonJson } from '../../alarm/wire/python-json.js';
import type { StreamEvent } from '../../storage/stream/stream-sources.js';
import { streamEventIdText, type StreamPosition } from '../../storage/stream/stream-position.js';
import { streamEventAnswer, type ResetEventAnswer } from '../answers/stream-answer.js';

/** A position as the line by which clients remember it. */
function idLine(epoch: string, { transaction, number }: StreamPosition): string {
  return `id: ${streamEventIdText({ epoch, transaction, number })}\n`;
}

/** An event in the format of server-sent events. */
export function eventText(epoch: string, event: StreamEvent): string {
  return `${idLine(epoch, event)}event: ${event.kind}\ndata: ${pythonJson(streamEventAnswer(event))}\n\n`;
}

/** Tells a client to read its lists again, and the position from which the stream goes on. */
export function resetText(epoch: string, position: StreamPosition, reason: string): string {
  const data = { reason } satisfies ResetEventAnswer;
  return `${idLine(epoch, position)}event: reset\ndata: ${pythonJson(data)}\n\n`;
}

/** Tells a client its position without an event, so that it need not read again what its filter leaves out. */
export function positionText(epoch: string, position: StreamPosition): string {
  return `: heartbeat\n${idLine(epoch, position)}\n`;
}

/** Tells a client after which time to connect again when the stream ends. */
export function retryText(ms: number): string {
  return `retry: ${Math.round(ms)}\n\n`;
}
