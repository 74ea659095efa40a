import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import type { Role } from '../../../dev/cluster/service-process.js';
import { pickOne, type FaultKind } from '../fault-kind.js';
import type { FaultProxy } from '../proxy.js';
import { CONCURRENCY } from '../timings.js';

export const fewDescriptorsOfEvaluator = fewDescriptors('evaluator');
export const fewDescriptorsOfNotifier = fewDescriptors('notifier');

/** A process that loses its connections and can open no file and no connection any more. */
function fewDescriptors(role: Role): FaultKind {
  return {
    id: 'F33',
    name: `few-descriptors-${role}`,
    lastsMs: [5_000, 10_000],
    async inject({ cluster, random }) {
      const member = pickOne(random, cluster.of(role));
      const { pid } = member;
      const log = path.join(cluster.folder, `${member.name}.log`);
      const before = refusals(log);
      const usual = limitOf(pid);
      setLimit(pid, 1);
      for (const link of Object.values(member.links) as FaultProxy[]) {
        link.set({ kind: 'reset' });
        link.set({ kind: 'pass' });
      }
      return {
        detail: `${member.name} can open no more`,
        mayRepeat: role === 'notifier' ? CONCURRENCY : 0,
        heal: async () => {
          if (existsSync(`/proc/${pid}`)) setLimit(pid, usual); // else it has crashed
        },
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
