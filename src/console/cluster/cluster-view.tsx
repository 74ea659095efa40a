import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';

import { Empty, Loaded } from '../elements/notices.js';
import { countText } from '../elements/numbers.js';
import { Age, durationText, Time } from '../elements/time.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { usePageUser } from '../requests/page-user.js';
import { useAnswer } from '../requests/use-answer.js';
import { useNow } from '../shell/clock.js';
import type { ViewProps } from '../shell/view.js';
import { BackendTable } from './backend-table.js';
import { coordinationWords } from './coordination-words.js';
import { Owners } from './partition-owners.js';
import { ProcessTable } from './process-table.js';

type ShownCluster = Schemas['Cluster'];

/** Processes report every 10 seconds. The stream does not carry these reports. */
const REPORT_MS = 10_000;

/** The processes of the service, the owners of partitions, backends and the outbox. For admins of all projects. */
export function ClusterView(_: ViewProps): JSX.Element {
  const { hasAllProjects } = usePageUser();
  const answer = useAnswer(hasAllProjects ? 'cluster' : undefined, (signal) =>
    bodyOf(client.GET('/v1/cluster', { signal })),
  );
  const time = useNow(REPORT_MS).getTime();
  const { again } = answer;
  useEffect(again, [time, again]);
  return (
    <section aria-labelledby="title">
      <div class="heading">
        <h1 id="title">Cluster</h1>
        <span class="muted">
          {answer.value && (
            <>
              as of <Time at={answer.value.at} form="time" />; read every 10 seconds, when processes report
            </>
          )}
        </span>
      </div>
      {hasAllProjects ? (
        <Loaded answer={answer} what="the cluster">
          {(cluster) => <State cluster={cluster} />}
        </Loaded>
      ) : (
        <Empty>Only admins of all projects may see the cluster.</Empty>
      )}
    </section>
  );
}

function State({ cluster }: { cluster: ShownCluster }): JSX.Element {
  return (
    <>
      <Problems cluster={cluster} />
      <div class="panel">
        <dl class="facts">
          <dt>Coordination</dt>
          <dd>
            <strong>{cluster.coordination ?? 'none'}</strong>: {coordinationWords(cluster.coordination)}
          </dd>
          <dt>Evaluations</dt>
          <dd>
            <Lateness cluster={cluster} />
          </dd>
          <dt>Outbox</dt>
          <dd>
            <Outbox outbox={cluster.outbox} />
          </dd>
        </dl>
      </div>
      <section class="group" aria-labelledby="processes">
        <h2 id="processes">Processes</h2>
        <ProcessTable processes={cluster.processes} />
      </section>
      <section class="group" aria-labelledby="partitions">
        <h2 id="partitions">Partitions</h2>
        <Owners cluster={cluster} />
      </section>
      <section class="group" aria-labelledby="backends">
        <h2 id="backends">Backends</h2>
        <BackendTable backends={cluster.backends} />
      </section>
    </>
  );
}

/** What keeps alarms from being evaluated or sent, above all else. */
function Problems({ cluster }: { cluster: ShownCluster }): JSX.Element | null {
  const { unowned_partitions: unowned, partitions, processes, outbox, backends } = cluster;
  const problems = [
    unowned > 0 &&
      `${countText(unowned)} of ${partitions.length} partitions have no evaluator: their alarms are not evaluated.`,
    !hasRole(processes, 'notifier') && 'No notifier reports: notifications wait.',
    outbox.stalled > 0 &&
      `${countText(outbox.stalled)} notifications are due, with nothing on its way to their receivers.`,
    ...backends
      .filter(({ up }) => !up)
      .map(({ backend, reason }) => `The backend ${backend} is down${reason === null ? '' : `: ${reason}`}.`),
  ].filter((problem) => problem !== false);
  if (problems.length === 0) return null;
  return (
    <ul class="problems" aria-label="Problems">
      {problems.map((problem) => (
        <li key={problem} class="failure">
          <span>
            <span aria-hidden="true">✕</span> {problem}
          </span>
        </li>
      ))}
    </ul>
  );
}

function hasRole(processes: ShownCluster['processes'], role: string): boolean {
  return processes.some(({ roles }) => roles.includes(role));
}

function Lateness({ cluster: { lateness } }: { cluster: ShownCluster }): JSX.Element {
  const { late_alarms, longest_ms, oldest_evaluation_at } = lateness;
  const last = oldest_evaluation_at !== null && (
    <>
      {' '}
      The partition that waits longest was evaluated <Age at={oldest_evaluation_at} /> ago.
    </>
  );
  if (late_alarms === 0) return <>No alarm is late.{last}</>;
  return (
    <>
      <strong class="outside">
        {countText(late_alarms)} {late_alarms === 1 ? 'alarm is' : 'alarms are'} late
      </strong>
      , by {durationText(longest_ms)} at most.{last}
    </>
  );
}

function Outbox({ outbox: { open, due, dead, oldest_due_at } }: { outbox: ShownCluster['outbox'] }): JSX.Element {
  return (
    <>
      {countText(open)} notifications wait or are sent now; {countText(due)} of them can be sent at once
      {oldest_due_at !== null && (
        <>
          , the oldest for <Age at={oldest_due_at} />
        </>
      )}
      . {countText(dead)} are dead.
    </>
  );
}
