import path from 'node:path';

import { ensureDebianPackages, POSTGRESQL } from '../../dev/servers/debian-packages.js';
import { freePort } from '../../dev/servers/local-process.js';
import { startPostgres } from '../../dev/servers/postgres.js';
import { toError } from '../../src/errors.js';
import type { Finding } from '../finding.js';
import { makeScratchFolder } from '../scratch-folder.js';
import { startService, type Service } from '../service.js';
import type { Attack } from './attack.js';
import { BODY_ATTACKS } from './body-attacks.js';
import { p95, startBystander, together, type Bystander, type BystanderReport } from './bystander.js';
import { CONNECTION_ATTACKS } from './connection-attacks.js';
import { QUERY_ATTACKS } from './query-attacks.js';
import { Tenant } from './tenant.js';
import { WRITE_ATTACKS } from './write-attacks.js';

const ATTACKS: readonly Attack[] = [...CONNECTION_ATTACKS, ...BODY_ATTACKS, ...QUERY_ATTACKS, ...WRITE_ATTACKS];
const ALONE_MS = 8_000;
const ATTACK_MS = 15_000;
const AFTERMATH_MS = 2_000;
const MOST_TIMES_SLOWER = 3;
const INTERVAL_S = 10;

/**
 * Attacks a service as one project, while another lists its alarms, on the embedded database and on PostgreSQL. The
 * service trusts the headers of its clients, so that no rate is limited: the shares alone protect the other project.
 * TOCSIN_ATTACKS is a regular expression that selects attacks by name.
 */
export async function tryAttacks(): Promise<Finding[] | string> {
  const wanted = new RegExp(process.env['TOCSIN_ATTACKS'] ?? '');
  const attacks = ATTACKS.filter(({ name }) => wanted.test(name));
  const findings = await onService('embedded database', {}, attacks);
  return [...findings, ...(await onPostgres(attacks))];
}

async function onPostgres(attacks: readonly Attack[]): Promise<Finding[]> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const { folder, remove } = makeScratchFolder();
  try {
    await ensureDebianPackages([POSTGRESQL], { neededBy: 'the attacks', say, environment: process.env });
    const postgres = await startPostgres({ dir: path.join(folder, 'postgres'), durable: true });
    try {
      return await onService('PostgreSQL', { DATABASE_URL: postgres.url }, attacks);
    } finally {
      await postgres.stop();
    }
  } catch (cause) {
    return [{ claim: 'the attacks on PostgreSQL run', tried: 1, faults: [toError(cause).message] }];
  } finally {
    remove();
  }
}

async function onService(
  database: string,
  settings: Readonly<Record<string, string>>,
  attacks: readonly Attack[],
): Promise<Finding[]> {
  const service = await startService({
    settings: { ...settings, EVALUATOR_INTERVAL: `${INTERVAL_S}s`, LOG_LEVEL: 'warn' },
    port: await freePort(),
  });
  const bystander = await startBystander(service.url);
  const findings: Finding[] = [];
  try {
    const withoutAttack = await bystander.watch(ALONE_MS);
    for (const attack of attacks) {
      const finding = await tryOne(attack, { service, bystander, withoutAttack }).catch((cause: unknown) => ({
        claim: `${attack.name} keep no one waiting`,
        tried: 0,
        faults: [`the attack cannot be tried: ${toError(cause).message}`],
      }));
      findings.push({ ...finding, claim: `${database}: ${finding.claim}` });
      process.stderr.write(`${database}: ${finding.claim} ${finding.faults[0] ?? 'ok'}\n`);
      if (!service.isRunning()) break;
    }
  } finally {
    await bystander.stop();
    await service.stop();
  }
  return findings;
}

async function tryOne(
  attack: Attack,
  { service, bystander, withoutAttack }: { service: Service; bystander: Bystander; withoutAttack: BystanderReport },
): Promise<Finding> {
  const attacker = new Tenant(service.url, 'attacker');
  await attack.prepare?.(attacker);
  attacker.answers.clear();
  service.takePeakMemory();
  const end = new AbortController();
  const attacking = attack.run(attacker, end.signal);
  const during = await bystander.watch(ATTACK_MS);
  end.abort();
  await attacking;
  const duringAttack = together(during, await bystander.watch(AFTERMATH_MS));
  const memory = service.isRunning() ? service.takePeakMemory() : 0;
  const faults = [...faultsOf(attack, { withoutAttack, duringAttack }), ...attacker.faults];
  if (!service.isRunning()) faults.push(`the service has ended: ${service.log().slice(-1_000)}`);
  return {
    claim: claimOf(attack, { withoutAttack, duringAttack, memory, answers: attacker.summary() }),
    tried: 1,
    faults,
  };
}

function claimOf(
  { name }: Attack,
  {
    withoutAttack,
    duringAttack,
    memory,
    answers,
  }: { withoutAttack: BystanderReport; duringAttack: BystanderReport; memory: number; answers: string },
): string {
  const times = `p95 ${p95(withoutAttack).toFixed(0)} ms alone, ${p95(duringAttack).toFixed(0)} ms under attack`;
  const largest = Math.max(...duringAttack.latenciesMs).toFixed(0);
  const seen = `${times}, longest ${largest} ms; ${memory} MiB; attacker: ${answers || 'no answers'}`;
  return `${name} keep no one waiting (${seen})`;
}

function faultsOf(
  { longestListMs }: Attack,
  { withoutAttack, duringAttack }: { withoutAttack: BystanderReport; duringAttack: BystanderReport },
): string[] {
  const faults = duringAttack.refusals.map((refusal) => `the other project got ${refusal}`);
  const timesSlower = p95(duringAttack) / p95(withoutAttack);
  if (longestListMs === undefined && timesSlower > MOST_TIMES_SLOWER)
    faults.push(`the other project's list takes ${timesSlower.toFixed(1)} times as long`);
  const longestMs = Math.max(...duringAttack.latenciesMs);
  if (longestListMs !== undefined && longestMs > longestListMs)
    faults.push(`the other project's list takes ${longestMs.toFixed(0)} ms, not ${longestListMs} ms at most`);
  if (duringAttack.oldestEvaluationS > 2 * INTERVAL_S)
    faults.push(`alarms were evaluated ${duringAttack.oldestEvaluationS} s ago at an interval of ${INTERVAL_S} s`);
  return faults;
}
