import type { BackendAnswer, PoolQuery } from '../../alarm/series.js';
import type { BackendGate } from '../gate/gate.js';
import type { QueryContext, Datasource, KeyedQuery } from '../datasource.js';
import { queuePositionOf } from '../gate/queue-ticket.js';
import { reasonOf } from '../../http/backend-unavailable.js';
import { NotSent } from '../gate/not-sent.js';
import type { OctaviaClient, PoolAnswer } from './octavia-client.js';

export interface OctaviaDatasourceDeps {
  client: OctaviaClient;
  gate: BackendGate;
  /** How long a new member may take until it is healthy, in seconds. */
  creationTimeS: number;
}

/** The datasource of OpenStack's load balancers: one request for each pool, however many alarms need it. */
export function createOctaviaDatasource({ client, gate, creationTimeS }: OctaviaDatasourceDeps): Datasource<PoolQuery> {
  async function requestPool(
    poolId: string,
    alike: readonly KeyedQuery<PoolQuery>[],
    context: QueryContext,
  ): Promise<PoolAnswer | Extract<BackendAnswer, { kind: 'outage' }>> {
    // These ids cannot be one segment of a path, so they would address something else. No pool has such an id.
    if (poolId === '' || poolId === '.' || poolId === '..' || /\p{Surrogate}/u.test(poolId))
      return { kind: 'refusal', status: 404 };
    const { signal, trace } = context;
    const onSend = trace && ((request: string) => trace.sent(request));
    try {
      const send = (): Promise<PoolAnswer> => client.members(poolId, { signal, onSend });
      return await gate.run(send, signal, undefined, queuePositionOf(alike, context));
    } catch (thrown) {
      if (thrown instanceof NotSent) return { kind: 'outage', reason: thrown.message, isUnsent: true };
      return { kind: 'outage', reason: reasonOf(thrown) };
    }
  }

  return {
    async answers({ queries }, context) {
      const answers = new Map<string, BackendAnswer>();
      const pools = new Map<string, KeyedQuery<PoolQuery>[]>();
      for (const keyedQuery of queries) {
        const alike = pools.get(keyedQuery.query.poolId);
        if (alike) alike.push(keyedQuery);
        else pools.set(keyedQuery.query.poolId, [keyedQuery]);
      }
      const all = [...pools].map(async ([poolId, alike]) => {
        const found = await requestPool(poolId, alike, context);
        for (const { key, query } of alike) {
          answers.set(key, found.kind === 'outage' ? found : answerOf(found, query, creationTimeS));
        }
      });
      await Promise.all(all);
      return answers;
    },
    close: () => client.close(),
  };
}

const UNUSED_ID = '00000000-0000-0000-0000-000000000000';

/** Health probe: requests a pool that does not exist. @throws BackendUnavailable */
export async function probeOctavia(client: OctaviaClient): Promise<void> {
  await client.members(UNUSED_ID, {});
}

function answerOf(found: PoolAnswer, { poolId, project }: PoolQuery, creationTimeS: number): BackendAnswer {
  const absent: BackendAnswer = { kind: 'absent', reason: `pool ${poolId} does not exist` };
  if (found.kind === 'too large') return { kind: 'refused', reason: `pool ${poolId} has more members than are read` };
  if (found.kind === 'refusal') {
    return found.status === 404 ? absent : { kind: 'refused', reason: `it answered with status ${found.status}` };
  }
  // This service may see every pool. For a pool of another project the answer is Octavia's own to that project.
  const isForeign = project !== null && found.members.some((member) => member['project_id'] !== project);
  return isForeign ? absent : { kind: 'members', members: found.members, creationTimeS };
}
