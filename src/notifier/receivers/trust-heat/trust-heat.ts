import { z } from 'zod';

import type { CloudAnswer, CloudCall, CloudClient } from '../../cloud.js';
import { withTrust, type TrustDeps } from '../../with-login.js';
import type { DeliveryOutcome, Receiver } from '../receiver.js';
import { codeOf } from '../../../http/backend-unavailable.js';
import { outcomeOfError, outcomeOfStatus } from '../webhook/outcome.js';

/** What the receiver of `trust+heat://` actions needs. */
export interface TrustHeatDeps extends TrustDeps {
  client: CloudClient;
  wallNow: () => Date;
}

/** Heat's service type in Keystone's catalogue. */
const ORCHESTRATION = 'orchestration';
const MAX_REDIRECTS = 3;

/** An id that consists of dots would change the path of the request. */
const Id = z.string().regex(/[^.]/);
const Reason = z.object({
  reason_data: z.object({
    stack_id: Id,
    asg_id: Id,
    unhealthy_members: z.array(z.object({ id: z.string() })).default([]),
  }),
});
const Resources = z.object({ resources: z.array(z.object({ parent_resource: z.string().nullish() })) });
const Stack = z.object({ stack: z.object({ stack_name: z.string().min(1), id: z.string().min(1) }) });

type Ask = (call: Pick<CloudCall, 'method' | 'body'> & { path: string }) => Promise<CloudAnswer>;

/** Heat's answer ends the healing. */
class HeatFailed extends Error {
  constructor(readonly answer: CloudAnswer) {
    super(`Heat answered ${answer.status}`);
  }
}

/**
 * Receiver of `trust+heat://` actions, which heal an autoscaling group. It marks the resources behind the unhealthy
 * members of a load balancer as unhealthy and updates the stack, so that Heat replaces them. All requests are
 * idempotent, so an attempt can be repeated.
 */
export function createTrustHeatReceiver(deps: TrustHeatDeps): Receiver {
  return {
    async deliver(delivery, signal) {
      const reason = Reason.safeParse(JSON.parse(delivery.body));
      if (!reason.success) return { kind: 'dead', error: 'invalid' };
      return withTrust(deps, delivery, async (login) => {
        const ask = heatAt(deps.client, { base: await login.endpoint(ORCHESTRATION), token: login.token }, signal);
        try {
          return await heal(ask, reason.data.reason_data);
        } catch (thrown) {
          if (thrown instanceof HeatFailed) return outcomeOfAnswer(thrown.answer, deps.wallNow());
          return outcomeOfError(codeOf(thrown));
        }
      });
    },
  };
}

async function heal(ask: Ask, reason: z.infer<typeof Reason>['reason_data']): Promise<DeliveryOutcome> {
  const { stack_id, asg_id, unhealthy_members } = reason;
  const stack = encodeURIComponent(stack_id);
  if (unhealthy_members.length === 0) return { kind: 'delivered' };
  const unhealthy: string[] = [];
  for (const { id } of unhealthy_members) {
    const query = new URLSearchParams({ physical_resource_id: id, nested_depth: '3' });
    const { body } = succeeded(await ask({ method: 'GET', path: `${stack}/resources?${query.toString()}` }));
    const parent = Resources.safeParse(body).data?.resources[0]?.parent_resource;
    if (parent) unhealthy.push(parent);
  }
  if (unhealthy.length === 0) return { kind: 'dead', error: 'no_resource' };
  const group = await nameOf(ask, asg_id);
  for (const resource of new Set(unhealthy)) {
    const body = JSON.stringify({ mark_unhealthy: true, resource_status_reason: 'unhealthy load balancer member' });
    succeeded(await ask({ method: 'PATCH', path: `${group}/resources/${encodeURIComponent(resource)}`, body }));
  }
  const { status } = succeeded(await ask({ method: 'PATCH', path: stack, body: '{}' }));
  return { kind: 'delivered', httpStatus: status };
}

/**
 * Returns the path `name/id` of a stack. Heat needs both to find a resource; for the stack itself it redirects from the
 * id to that path.
 */
async function nameOf(ask: Ask, stackId: string): Promise<string> {
  const { status, body } = await ask({ method: 'GET', path: encodeURIComponent(stackId) });
  const found = Stack.safeParse(body);
  if (status !== 200 || !found.success) return encodeURIComponent(stackId);
  return `${encodeURIComponent(found.data.stack.stack_name)}/${encodeURIComponent(found.data.stack.id)}`;
}

/**
 * Makes a client for requests below `/stacks/`. It follows Heat's redirects from a stack's id to its name and id, with
 * the same method and only within Heat.
 */
function heatAt(client: CloudClient, { base, token }: { base: string; token: string }, signal: AbortSignal): Ask {
  return async ({ path, ...call }) => {
    let target = path;
    for (let redirects = 0; ; redirects += 1) {
      const answer = await client.call({ ...call, url: `${base}/stacks/${target}`, token }, signal);
      const elsewhere = /\/stacks\/(.+)$/.exec(answer.location ?? '')?.[1];
      const isRedirect = answer.status >= 300 && answer.status < 400;
      if (!isRedirect || elsewhere === undefined || redirects === MAX_REDIRECTS) return answer;
      target = elsewhere;
    }
  };
}

function succeeded(answer: CloudAnswer): CloudAnswer {
  if (answer.status < 200 || answer.status >= 300) throw new HeatFailed(answer);
  return answer;
}

/** With 409 Heat says that another action of the stack is running, so the attempt is repeated. */
function outcomeOfAnswer({ status, retryAfter }: CloudAnswer, now: Date): DeliveryOutcome {
  if (status === 409) return { kind: 'retry', error: `http_status ${status}`, httpStatus: status };
  return outcomeOfStatus(status, retryAfter, now);
}
