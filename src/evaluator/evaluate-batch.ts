import type { BackendAnswer, SeriesNeed } from '../alarm/series.js';
import { untilAborted } from '../async/deadline.js';
import { inChunks, yieldToEventLoop } from '../async/event-loop.js';
import { toError } from '../errors.js';
import { sendRequest, type BackendAnswers } from './send-requests.js';
import { backendOf, type Batch, type BatchPart, type EvaluateBatchDeps } from './batch.js';
import type { HeldAlarm } from './held-alarm.js';
import { judgeAll } from './judge-batch.js';
import { planRequests, type AlarmTicket, type PlannedRequest } from './plan.js';

/**
 * Evaluates every alarm once, at `now`, with as few requests as possible. Judges in memory and writes nothing. Alarms
 * are judged as soon as the backends that they need have answered, so a slow backend delays only its own alarms; parts
 * come in that order. There is at least one part, and the last one leaves nothing unfinished.
 */
export async function* evaluateBatch(deps: EvaluateBatchDeps, batch: Batch): AsyncGenerator<BatchPart, void, void> {
  const answers = new GatheredAnswers();
  const { needs, tickets, groups } = await dueOf(deps, batch);
  const answered = askBackends(deps, await planRequests(needs, tickets), batch, answers);
  const waiting = new Map<string, Promise<[string, HeldAlarm[]]>>();
  for (const [name, { backends, alarms }] of groups) {
    waiting.set(
      name,
      Promise.all(backends.map(async (backend) => answered.get(backend))).then(() => [name, alarms]),
    );
  }
  if (waiting.size === 0) yield { outcomes: [], results: [], unfinished: new Set(), notSent: 0 };
  while (waiting.size > 0) {
    const [name, alarms] = await Promise.race(waiting.values());
    waiting.delete(name);
    groups.delete(name);
    const part: BatchPart = { outcomes: [], results: [], unfinished: partitionsOf(groups.values()), notSent: 0 };
    for await (const piece of inChunks(alarms)) judgeAll(deps, piece, { answers, batch }, part);
    yield part;
  }
}

/** Time constraints computed in one chunk. At 50 µs each the event loop is blocked for 20 ms at most. */
const CONSTRAINTS_AT_ONCE = 400;

interface BackendGroup {
  backends: readonly string[];
  alarms: HeldAlarm[];
}

interface DueAlarms {
  needs: SeriesNeed[];
  /** The ticket of each need's alarm. Retries have none: requests of due alarms are sent first. */
  tickets: AlarmTicket[];
  groups: Map<string, BackendGroup>;
}

/** The needs of the alarms that are evaluated now, and the alarms by the backends that they need. */
async function dueOf({ behind }: EvaluateBatchDeps, { alarms, now, isRetry }: Batch): Promise<DueAlarms> {
  const groups = new Map<string, BackendGroup>();
  const needs: SeriesNeed[] = [];
  const tickets: AlarmTicket[] = [];
  let unknown = 0;
  for await (const piece of inChunks(alarms)) {
    for (const alarm of piece) {
      if (alarm.needs.length === 0) continue;
      unknown += alarm.openTimes.unknownAt(now);
      if (unknown > CONSTRAINTS_AT_ONCE) {
        await yieldToEventLoop();
        unknown = 0;
      }
      if (!alarm.openTimes.isOpen(now)) continue;
      const ticket = isRetry ? undefined : { ticket: behind.ticketOf(alarm), projectId: alarm.projectId };
      needs.push(...alarm.needs);
      if (ticket) tickets.push(...alarm.needs.map(() => ticket));
      addTo(groups, alarm);
    }
  }
  return { needs, tickets, groups };
}

function addTo(groups: Map<string, BackendGroup>, alarm: HeldAlarm): void {
  const backends = backendsOf(alarm.needs);
  const name = backends.length === 1 ? (backends[0] as string) : backends.join('\n');
  const group = groups.get(name);
  if (group) group.alarms.push(alarm);
  else groups.set(name, { backends, alarms: [alarm] });
}

function partitionsOf(groups: Iterable<BackendGroup>): Set<number> {
  const partitions = new Set<number>();
  for (const { alarms } of groups) for (const { partition } of alarms) partitions.add(partition);
  return partitions;
}

function backendsOf(needs: readonly SeriesNeed[]): string[] {
  const [only] = needs;
  return needs.length === 1 && only ? [backendOf(only)] : [...new Set(needs.map(backendOf))].sort();
}

/** The answers of several requests. The answers of the first request, mostly the only one, are not copied. */
class GatheredAnswers {
  #first: BackendAnswers | undefined;
  readonly #others = new Map<string, BackendAnswer>();

  add(answers: BackendAnswers): void {
    if (this.#first === undefined) this.#first = answers;
    else for (const [key, answer] of answers) this.#others.set(key, answer);
  }

  get(key: string): BackendAnswer | undefined {
    return this.#first?.get(key) ?? this.#others.get(key);
  }
}

/**
 * Sends the requests and adds their answers to `answers`. The promise of a backend resolves when no more of its answers
 * come.
 */
function askBackends(
  { datasources, log }: EvaluateBatchDeps,
  requests: readonly PlannedRequest[],
  { now, isRetry, sendBy, signal, cutOff }: Batch,
  answers: GatheredAnswers,
): ReadonlyMap<string, Promise<void>> {
  const answered = new Map<string, Promise<void>>();
  for (const planned of requests) {
    const { datasource, backend } = planned;
    const ask = async (): Promise<void> => {
      try {
        const found = await untilAborted(sendRequest(datasources, planned, { now, signal, sendBy, isRetry }), cutOff);
        answers.add(found);
      } catch (thrown) {
        const level = cutOff.aborted ? 'debug' : 'error';
        log[level]('a datasource gave no answer', { datasource, backend, err: toError(thrown) });
      }
    };
    const name = backendOf({ datasource, backend });
    answered.set(name, Promise.all([answered.get(name), ask()]).then());
  }
  return answered;
}
