import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import type { Role } from '../../../dev/cluster/service-process.js';
import { pickOne, type FaultKind } from '../fault-kind.js';
import { CONCURRENCY } from '../timings.js';

export const fewDescriptorsOfEvaluator = fewDescriptors('evaluator');
export const fewDescriptorsOfNotifier = fewDescriptors('notifier');

/** A process that can open no file and no connection any more. Its limit is lowered while it runs. */
function fewDescriptors(role: Role): FaultKind {
  return {
    id: 'F33',
    name: `few-descriptors-${role}`,
    // An evaluator without connections to the metrics backend cannot evaluate.
    isOutage: role === 'evaluator',
    lastsMs: [5_000, 10_000],
    async inject({ cluster, random }) {
      const member = pickOne(random, cluster.of(role));
      const { pid } = member;
      const log = path.join(cluster.folder, `${member.name}.log`);
      const before = refusals(log);
      const usual = limitOf(pid);
      setLimit(pid, readdirSync(`/proc/${pid}/fd`).length);
      return {
        detail: `${member.name} can open no more`,
        mayRepeat: role === 'notifier' ? CONCURRENCY : 0,
        heal: async () => setLimit(pid, usual),
        evidence: async () => {
          const refused = refusals(log) - before;
          return refused > 0 ? `${refused} lines of its log name the limit` : undefined;
        },
      };
    },
  };
}

function limitOf(pid: number): number {
  return Number(/^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1]);
}

function setLimit(pid: number, most: number): void {
  execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${most}:`]);
}

function refusals(log: string): number {
  return readFileSync(log, 'utf8').split('EMFILE').length - 1;
}
