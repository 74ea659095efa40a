import { hostname } from 'node:os';

import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { EvaluatorReport, ProcessReport, ProcessStore } from '../storage/cluster/process-store.js';
import type { Loop } from '../supervisor.js';

/** A process that reports. */
export interface ProcessReportDeps {
  store: Pick<ProcessStore, 'report' | 'remove'>;
  process: Omit<ProcessReport, 'host' | 'evaluator'>;
  /** The report of the evaluator of this process; null without that role. */
  evaluator: () => EvaluatorReport | null;
  /** True if no other process can use the database: other reports are left over from a crash. */
  isSingleProcess: boolean;
  clock: Pick<Clock, 'sleep'>;
  log: Pick<Logger, 'debug'>;
}

/** Time between two reports of a process. */
export const REPORT_EVERY_MS = 10_000;
/** A process without a report for this long has ended, or has lost the database. */
export const FORGET_AFTER_MS = 60_000;

/** A loop that reports this process to the others, for `GET /v1/cluster`, and removes its report at the end. */
export function createProcessReport(deps: ProcessReportDeps): Loop {
  const { store, process, evaluator, clock, log } = deps;
  const forgetAfterMs = deps.isSingleProcess ? 0 : FORGET_AFTER_MS;
  const attempt = (work: Promise<void>): Promise<void> =>
    work.catch((thrown: unknown) => log.debug('could not report this process', { err: toError(thrown) }));
  return {
    name: 'report',
    async run(signal) {
      while (!signal.aborted) {
        await attempt(store.report({ ...process, host: hostname(), evaluator: evaluator() }, forgetAfterMs));
        await clock.sleep(REPORT_EVERY_MS, signal);
      }
      await attempt(store.remove(process.id));
    },
  };
}
