import { StreamEventAnswer } from '../answers/stream-answer.js';
import type { Operation } from './operation.js';

/** `GET /v1/stream`. */
export const STREAM_OPERATION: Operation = {
  group: 'Alarms',
  summary: 'Follow transitions, definitions, deliveries, silences and pauses as server-sent events; see docs/stream.md',
  answer: StreamEventAnswer,
  isStream: true,
};
