import { openEgress } from '../../src/app/egress.js';
import { createSystemClock } from '../../src/clock.js';
import { parseConfig } from '../../src/config/parse.js';
import { silentLogger } from '../../src/logger.js';
import { createWebhookReceiver } from '../../src/notifier/receivers/webhook/webhook.js';
import type { DeliveryOutcome } from '../../src/notifier/receivers/receiver.js';
import type { Finding } from '../finding.js';
import { REDIRECT_PATH, type Canary, type Hit } from './canary.js';
import { DEPLOYMENTS, type Deployment } from './deployments.js';
import { TURNING_NAMES } from './name-server.js';
import { URLS, type TriedUrl } from './urls.js';

const ATTEMPT_TIMEOUT_MS = 3_000;
/** As many attempts as show that a name which turns is never called at its other address. */
const TURNS = 20;

type Deliver = (action: string) => Promise<DeliveryOutcome>;

/** Sends to every URL with the receiver of webhooks, in every deployment, and counts what the canary heard. */
export async function trySending(canary: Canary): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const deployment of DEPLOYMENTS) findings.push(...(await tryDeployment(deployment, canary)));
  return findings;
}

async function tryDeployment(deployment: Deployment, canary: Canary): Promise<Finding[]> {
  const webhook = await webhookOf(deployment);
  let attempt = 0;
  const deliver: Deliver = (action) => {
    attempt += 1;
    const delivery = {
      id: `n${attempt}`,
      alarmId: 'a',
      projectId: 'p',
      kind: 'transition' as const,
      sequence: 1,
      transitionTime: new Date(0),
    };
    return webhook.deliver({ ...delivery, action, body: '{}', attempt: 1 }, new AbortController().signal);
  };
  const { title } = deployment;
  try {
    canary.take();
    const faults: string[] = [];
    for (const tried of URLS) faults.push(...(await faultsOf(tried, { deployment, deliver, canary })));
    return [
      { claim: `${title}, no URL of the corpus reaches a denied address`, tried: URLS.length, faults },
      await tryControls({ deployment, deliver, canary }),
      await tryTurningNames({ deployment, deliver, canary }),
      await tryRedirect({ deployment, deliver, canary }),
    ];
  } finally {
    await webhook.close?.();
  }
}

async function webhookOf({ options }: Deployment): Promise<ReturnType<typeof createWebhookReceiver>> {
  const clock = createSystemClock();
  const egress = await openEgress({ config: parseConfig(options), keystone: undefined, clock, log: silentLogger });
  return createWebhookReceiver({
    clock,
    egress,
    log: silentLogger,
    headersToLoopback: true,
    settingsOf: () => Promise.resolve({ secrets: [], headers: {} }),
    connectTimeoutMs: ATTEMPT_TIMEOUT_MS,
    attemptTimeoutMs: ATTEMPT_TIMEOUT_MS,
    maxSocketsPerHost: 4,
    ca: undefined,
    version: 'trial',
  });
}

interface Trial {
  deployment: Deployment;
  deliver: Deliver;
  canary: Canary;
}

async function faultsOf({ url, place }: TriedUrl, { deployment, deliver, canary }: Trial): Promise<string[]> {
  const outcome = await deliver(url);
  const hits = canary.take();
  const faults = foreign(hits, deployment).map((hit) => `${url} reached ${hit.address}:${hit.port}`);
  if (place === 'metadata' || place === 'port') {
    if (hits.length > 0) faults.push(`${url} (${place}) was called at ${hits[0]?.address}`);
  } else if (place === 'public' && hits.length === 0)
    faults.push(`${url} is public and was not called: ${outcome.kind}`);
  return faults;
}

function foreign(hits: readonly Hit[], { mayReach }: Deployment): Hit[] {
  return hits.filter(({ address }) => !mayReach(address));
}

async function tryControls({ deployment, deliver, canary }: Trial): Promise<Finding> {
  const faults: string[] = [];
  for (const url of deployment.controls) {
    const outcome = await deliver(url);
    const hits = canary.take();
    if (outcome.kind !== 'delivered' || hits.length !== 1) faults.push(`${url}: ${JSON.stringify(outcome)}`);
    faults.push(...foreign(hits, deployment).map(({ address }) => `${url} reached ${address}`));
  }
  return { claim: `${deployment.title}, what is allowed is called`, tried: deployment.controls.length, faults };
}

async function tryTurningNames({ deployment, deliver, canary }: Trial): Promise<Finding> {
  const faults: string[] = [];
  for (const name of TURNING_NAMES) {
    for (let turn = 0; turn < TURNS; turn += 1) await deliver(`http://${name}/`);
    const reached = new Set(foreign(canary.take(), deployment).map(({ address }) => address));
    faults.push(...[...reached].map((address) => `${name} was called at ${address}`));
  }
  return {
    claim: `${deployment.title}, a name that changes its mind is called at no denied address`,
    tried: TURNING_NAMES.length * TURNS,
    faults,
  };
}

async function tryRedirect({ deployment, deliver, canary }: Trial): Promise<Finding> {
  const outcome = await deliver(`http://1.1.1.1${REDIRECT_PATH}`);
  const faults = canary
    .take()
    .flatMap(({ address }) => (address === '1.1.1.1' ? [] : [`it was followed to ${address}`]));
  if (outcome.kind !== 'retry') faults.push(`its outcome is ${outcome.kind}`);
  return { claim: `${deployment.title}, a redirect is not followed`, tried: 1, faults };
}
