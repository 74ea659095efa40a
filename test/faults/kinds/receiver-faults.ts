import { pickOne, type FaultKind } from '../fault-kind.js';
import type { ReceiverMode } from '../receivers.js';

export const failingReceiver = receiverFault('F14', 'error', 'answers 500');
export const retryAfterReceiver = receiverFault('F15', 'retry-after', 'answers 503 with Retry-After: 7');
export const hangingReceiver = receiverFault('F16', 'hang', 'is silent');
export const slowReceiver = receiverFault('F16', 'slow', 'answers late');
export const resettingReceiver = receiverFault('F18', 'reset', 'resets after the whole request');

function receiverFault(id: string, mode: ReceiverMode, words: string): FaultKind {
  return {
    id,
    name: `receiver-${mode}`,
    lastsMs: [4_000, 15_000],
    async inject({ receivers, random }) {
      const receiver = pickOne(random, receivers.each);
      const before = receiver.spoilt;
      receiver.mode = mode;
      return {
        detail: `${receiver.url} ${words}`,
        onlyReceiver: receivers.each.indexOf(receiver),
        heal: async () => void (receiver.mode = 'pass'),
        evidence: async () => {
          const spoilt = receiver.spoilt - before;
          return spoilt > 0 ? `${spoilt} requests met it` : undefined;
        },
      };
    },
  };
}
