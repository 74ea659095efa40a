import type { JSX } from 'preact';

import { Empty } from '../elements/notices.js';
import { durationText, Time } from '../elements/time.js';
import type { Schemas } from '../requests/client.js';

type ClusterProcess = Schemas['Cluster']['processes'][number];

/** A process reports every 10 seconds. After two reports that did not come, it is silent. */
const SILENT_MS = 25_000;

/** Processes of all roles that have reported in the last minute. */
export function ProcessTable({ processes }: { processes: readonly ClusterProcess[] }): JSX.Element {
  if (processes.length === 0) return <Empty>No process has reported in the last minute.</Empty>;
  const versions = new Set(processes.map(({ version }) => version));
  const isAnySilent = processes.some(({ silent_ms }) => silent_ms > SILENT_MS);
  return (
    <>
      <div class="scroll">
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">Process</th>
              <th scope="col">Roles</th>
              <th scope="col">Version</th>
              <th scope="col">Started</th>
              <th scope="col">Runs for</th>
              <th scope="col">Last report</th>
              <th scope="col">Partitions</th>
            </tr>
          </thead>
          <tbody>
            {processes.map((process) => (
              <ProcessRow key={process.process_id} process={process} />
            ))}
          </tbody>
        </table>
      </div>
      {versions.size > 1 && <p class="muted">Processes have {versions.size} versions: an upgrade is under way.</p>}
      {isAnySilent && (
        <p class="muted">
          A silent process has crashed, hangs, or has no connection to the database. Its partitions get another owner
          after <code>evaluator.lease</code>; a minute after its last report it is no longer listed.
        </p>
      )}
    </>
  );
}

function ProcessRow({ process }: { process: ClusterProcess }): JSX.Element {
  const { host, pid, roles, version, started_at, age_ms, silent_ms, partitions, member_id } = process;
  const isSilent = silent_ms > SILENT_MS;
  return (
    <tr>
      <td class="main" title={member_id ?? undefined}>
        {host} <span class="muted">{pid}</span>
      </td>
      <td data-name="Roles">{roles.join(', ')}</td>
      <td data-name="Version">{version}</td>
      <td data-name="Started">
        <Time at={started_at} form="short" />
      </td>
      <td data-name="Runs for" class="number">
        {durationText(age_ms)}
      </td>
      <td data-name="Last report" class="number">
        {isSilent ? (
          <strong class="outside">
            <span aria-hidden="true">✕</span> silent for {durationText(silent_ms)}
          </strong>
        ) : (
          `${durationText(silent_ms)} ago`
        )}
      </td>
      <td data-name="Partitions" class="number">
        {member_id === null ? '–' : partitions}
      </td>
    </tr>
  );
}
