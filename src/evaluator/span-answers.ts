import type { BackendAnswer, Series, SeriesLabels } from '../alarm/series.js';
import { windowStart } from '../alarm/series.js';
import type { Datasources } from '../datasource/registry.js';
import { createTraceRecorder, labelTraces } from './explain/trace-recorder.js';
import type { PlannedRequest } from './plan.js';
import { sendRequest, type BackendAnswers } from './send-requests.js';

/** The answers to the requests of an alarm for one moment. */
export interface AnswersAtMoment {
  answers: BackendAnswers;
  /** Labels of the series of an answer, in its order, by the key of the query; empty if the backend has none. */
  labelsOf: (key: string) => readonly SeriesLabels[];
}

/** The moments at which an alarm is evaluated: the last of them, and the time between two. */
export interface SpanMoments {
  stop: Date;
  stepMs: number;
}

interface SpanAnswersDeps {
  datasources: Datasources;
  signal: AbortSignal;
}

/** Most periods that a shared request covers beyond the window of one moment. */
const PERIODS_AHEAD = 240;

const NO_LABELS: readonly SeriesLabels[] = [];

/**
 * Requests the answers for the moments of a span, in order. Moments whose windows overlap share a request whose window
 * has all of theirs. By the law of `Datasource` each moment gets the answer that it would have had alone.
 */
export function createSpanAnswers(
  requests: readonly (PlannedRequest & { isOwnWindow: boolean })[],
  moments: SpanMoments,
  deps: SpanAnswersDeps,
): (at: Date) => Promise<AnswersAtMoment> {
  const sources = requests.map((request) => new RequestSource(request, moments, deps));
  return async (at) => {
    const parts = await Promise.all(sources.map((source) => source.answersAt(at.getTime())));
    return {
      answers: new Map(parts.flatMap(({ answers }) => [...answers])),
      labelsOf: (key) => parts.find(({ answers }) => answers.has(key))?.labelsOf(key) ?? NO_LABELS,
    };
  };
}

/** A request that was sent for several moments: `first`, `last`, and each `strideMs` between them. */
interface SharedRequest {
  first: number;
  last: number;
  answer: Promise<AnswersAtMoment>;
}

/** One request of an alarm, at all moments of a span. */
class RequestSource {
  /** Time between two moments whose windows have the same periods; null if no two moments can share a request. */
  private readonly strideMs: number | null;
  private shared: SharedRequest[] = [];

  constructor(
    private readonly request: PlannedRequest & { isOwnWindow: boolean },
    private readonly moments: SpanMoments,
    private readonly deps: SpanAnswersDeps,
  ) {
    this.strideMs = strideOf(request, moments.stepMs);
  }

  async answersAt(at: number): Promise<AnswersAtMoment> {
    const { strideMs } = this;
    if (strideMs === null) return this.send(at, this.request.periods);
    const shared = this.sharedFor(at, strideMs);
    if (shared.first === shared.last) return shared.answer;
    const wide = await shared.answer;
    const isForAll = (answer: BackendAnswer): boolean => isForAllMoments(answer, this.request, shared.last);
    if (![...wide.answers.values()].every(isForAll)) return this.send(at, this.request.periods);
    return narrowed(wide, this.request, at);
  }

  private sharedFor(at: number, strideMs: number): SharedRequest {
    this.shared = this.shared.filter(({ last }) => last >= at);
    const known = this.shared.find(({ first, last }) => first <= at && at <= last && (at - first) % strideMs === 0);
    if (known) return known;
    const { granularityS, periods } = this.request;
    const mostMs = Math.min(this.moments.stop.getTime() - at, PERIODS_AHEAD * granularityS * 1000);
    const last = at + Math.floor(mostMs / strideMs) * strideMs;
    const morePeriods = Math.ceil((last - at) / (granularityS * 1000));
    const shared = { first: at, last, answer: this.send(last, periods + morePeriods) };
    shared.answer.catch(() => undefined); // a moment that waits for the answer throws it
    this.shared.push(shared);
    return shared;
  }

  private async send(at: number, periods: number): Promise<AnswersAtMoment> {
    const { isOwnWindow: _, ...request } = this.request;
    const recorder = createTraceRecorder();
    const planned = { ...request, periods };
    const answers = await sendRequest(this.deps.datasources, planned, {
      now: new Date(at),
      signal: this.deps.signal,
      trace: labelTraces(recorder)(planned),
    });
    return { answers, labelsOf: recorder.labelsOf };
  }
}

/**
 * Periods of Gnocchi begin at multiples of their length. Those of the other backends are counted from the moment, so
 * only moments that lie whole periods apart have the same ones.
 */
function strideOf({ datasource, granularityS, isOwnWindow }: RequestSource['request'], stepMs: number): number | null {
  const periodMs = granularityS * 1000;
  if (isOwnWindow || datasource === 'octavia' || periodMs === 0) return null;
  const strideMs = datasource === 'gnocchi' ? stepMs : leastCommonMultiple(stepMs, periodMs);
  return strideMs <= PERIODS_AHEAD * periodMs ? strideMs : null;
}

function leastCommonMultiple(a: number, b: number): number {
  let [divisor, rest] = [a, b];
  while (rest > 0) [divisor, rest] = [rest, divisor % rest];
  return (a / divisor) * b;
}

/**
 * That a metric does not exist is true for all windows, and so is a fault in the text of a query. What a wide window
 * cannot answer, such as too many points, a narrow one may. Some servers move the ends of ranges, or of wide ones, to
 * multiples of the step: then the points are at other times than those of the moments.
 */
function isForAllMoments(
  answer: BackendAnswer,
  { datasource, granularityS, lagS }: PlannedRequest,
  last: number,
): boolean {
  if (answer.kind === 'refused') return answer.isFaultOfQuery === true;
  if (answer.kind !== 'series') return answer.kind === 'absent';
  const stop = last - lagS * 1000;
  return (
    datasource !== 'prometheus' ||
    answer.series.every(([first]) => !first || (stop - first.at) % (granularityS * 1000) === 0)
  );
}

/** The part of a wide answer that belongs to one moment. */
function narrowed(wide: AnswersAtMoment, request: PlannedRequest, at: number): AnswersAtMoment {
  const answers = new Map<string, BackendAnswer>();
  const labels = new Map<string, readonly SeriesLabels[]>();
  const [from, before] = [windowStart(request, at), windowEnd(request, at)];
  for (const [key, answer] of wide.answers) {
    if (answer.kind !== 'series') {
      answers.set(key, answer);
      continue;
    }
    const labelled = wide.labelsOf(key);
    const parts = answer.series.map((series, index) => ({ series: between(series, from, before), index }));
    // Prometheus leaves out a series without points; the one series of the others may be empty.
    const shown = request.datasource === 'prometheus' ? parts.filter(({ series }) => series.length > 0) : parts;
    answers.set(key, { kind: 'series', series: shown.map(({ series }) => series) });
    labels.set(key, labelled.length === 0 ? labelled : shown.map(({ index }) => labelled[index] ?? {}));
  }
  return { answers, labelsOf: (key) => labels.get(key) ?? NO_LABELS };
}

/** The first time behind the window of a moment. The newest point of Prometheus is the end of the window. */
function windowEnd({ datasource, granularityS, lagS }: PlannedRequest, at: number): number {
  const stop = at - lagS * 1000;
  return datasource === 'prometheus' ? stop + granularityS * 1000 : stop;
}

function between(series: Series, from: number, before: number): Series {
  const first = series.findIndex(({ at }) => at >= from);
  if (first === -1) return [];
  const end = series.findIndex(({ at }) => at >= before);
  return end === -1 ? series.slice(first) : series.slice(first, end);
}
