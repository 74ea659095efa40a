import { eventually } from '../../support/eventually.js';
import { startGnocchi, type RealGnocchi } from '../../support/gnocchi.js';
import { startKeystoneDouble, tokenBody, type KeystoneDouble } from '../../support/keystone-double.js';
import { startOctaviaDouble, type OctaviaDouble } from '../../support/octavia-double.js';
import { startPrometheus, type RealPrometheus } from '../../support/prometheus.js';
import { startReceiver, type Receiver } from '../../support/receiver-server.js';
import { remoteWrite } from '../../support/remote-write.js';

/** Moments, in milliseconds, and values; `end` is where there are no more. */
export interface Wave {
  points: readonly (readonly [atMs: number, value: number])[];
  endMs: number;
}

/** A point a second from `startMs`, each of the values for so many seconds. */
export function waveOf(startMs: number, phases: readonly (readonly [value: number, seconds: number])[]): Wave {
  const values = phases.flatMap(([value, seconds]) => Array.from({ length: seconds }, () => value));
  return {
    points: values.map((value, second) => [startMs + second * 1000, value]),
    endMs: startMs + values.length * 1000,
  };
}

export const PROMETHEUS_FLAGS = ['--web.enable-remote-write-receiver'];

/** Has a series of Prometheus follow a wave, whose future may be written ahead. It ends with the wave. */
export async function writeWave(
  prometheus: Pick<RealPrometheus, 'url'>,
  metric: string,
  { points, endMs }: Wave,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  const names = Object.entries({ __name__: metric, ...labels }).sort(([a], [b]) => (a < b ? -1 : 1));
  await remoteWrite(prometheus.url, [
    ...points.map(([atMs, value]) => ({ labels: names, value, atMs })),
    { labels: names, value: 'stale' as const, atMs: endMs },
  ]);
}

export interface GnocchiResource {
  id: string;
  metric: string;
}

/** Keeps values second by second. */
export const ARCHIVE_POLICY = {
  name: 'seconds',
  aggregation_methods: ['mean', 'max', 'sum', 'count'],
  definition: [{ granularity: '1s', timespan: '1h' }],
};

/** A resource with the metric `cpu`. `user` is a token, as of `gnocchi.ask`. */
export async function createResource(
  gnocchi: RealGnocchi,
  resource: { id: string; project_id?: string },
  user?: string,
): Promise<GnocchiResource> {
  const metrics = { cpu: { archive_policy_name: ARCHIVE_POLICY.name } };
  const answer = await gnocchi.ask('POST', '/v1/resource/generic', {
    body: { ...resource, metrics },
    ...(user && { user }),
  });
  if (answer.status !== 201) throw new Error(`not made: ${answer.status} ${JSON.stringify(answer.body)}`);
  const made = answer.body as { id: string; metrics: { cpu: string } };
  return { id: made.id, metric: made.metrics.cpu };
}

/** Measures, ahead of time or not; resolves when they can be read. */
export async function measure(gnocchi: RealGnocchi, waves: ReadonlyMap<string, Wave>): Promise<void> {
  const measures = ({ points }: Wave): object[] =>
    points.map(([atMs, value]) => ({ timestamp: new Date(atMs).toISOString().slice(0, -1), value }));
  const body = Object.fromEntries([...waves].map(([metric, wave]) => [metric, measures(wave)]));
  const answer = await gnocchi.ask('POST', '/v1/batch/metrics/measures', { body });
  if (answer.status !== 202) throw new Error(`not measured: ${answer.status} ${JSON.stringify(answer.body)}`);
  await eventually(async () => {
    for (const [metric, { points }] of waves) await expectReadable(gnocchi, metric, points.at(-1)![0]);
  });
}

async function expectReadable(gnocchi: RealGnocchi, metric: string, untilMs: number): Promise<void> {
  const window = `start=${new Date(untilMs).toISOString()}&stop=${new Date(untilMs + 1000).toISOString()}`;
  const { body } = await gnocchi.ask('GET', `/v1/metric/${metric}/measures?aggregation=mean&${window}`);
  if ((body as unknown[]).length === 0) throw new Error(`${metric} is not processed yet`);
}

/** All that rules can ask; the OpenStack ones with one Keystone, which knows the service alone. */
export interface Backends {
  prometheus: RealPrometheus;
  gnocchi: RealGnocchi;
  octavia: OctaviaDouble;
  keystone: KeystoneDouble;
  receiver: Receiver;
  /** What makes a service use them. */
  settings: Record<string, string>;
  stop(): Promise<void>;
}

/** The token of the service in Gnocchi with `tokens`. */
export const SERVICE_TOKEN = 'tocsin-user:service-project:admin';
const TOKEN_LIFE_MS = 3_600_000;

export async function startBackends(): Promise<Backends> {
  const started: { stop(): Promise<unknown> }[] = [];
  const keep = <S>(server: S, stop: (server: S) => Promise<unknown>): S => {
    started.push({ stop: () => stop(server) });
    return server;
  };
  const stop = async (): Promise<void> => {
    for (const server of started.splice(0).reverse()) await server.stop();
  };
  try {
    const receiver = keep(await startReceiver(), (server) => server.close());
    const octavia = keep(await startOctaviaDouble(), (server) => server.close());
    octavia.tokens = new Set([SERVICE_TOKEN]);
    const keystone = keep(await startKeystoneDouble(), (server) => server.close());
    keystone.override = ({ method }) => (method === 'POST' ? login(octavia.url) : undefined);
    const prometheus = keep(await startPrometheus({ flags: PROMETHEUS_FLAGS }), (server) => server.stop());
    const gnocchi = keep(await startGnocchi({ metricd: true, tokens: true }), (server) => server.stop());
    await gnocchi.ask('POST', '/v1/archive_policy', { body: ARCHIVE_POLICY });
    const settings = {
      PROMETHEUS_URL: prometheus.url,
      GNOCCHI_URL: gnocchi.url,
      GNOCCHI_AUTH: 'keystone',
      KEYSTONE_AUTH_URL: keystone.url,
      KEYSTONE_USERNAME: 'tocsin',
      KEYSTONE_PASSWORD: 'kept-to-ourselves',
      OCTAVIA_MEMBER_CREATION_TIME: '0s',
    };
    return { prometheus, gnocchi, octavia, keystone, receiver, settings, stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

/** As Keystone logs the service in, with the address of Octavia in its catalogue. */
function login(octaviaUrl: string): { status: number; body: unknown; headers: Record<string, string> } {
  const [userId, projectId] = SERVICE_TOKEN.split(':');
  const now = Date.now();
  const token = {
    ...tokenBody({
      user: { id: userId, name: 'tocsin', domain: { id: 'default', name: 'Default' } },
      project: { id: projectId, name: 'service', domain: { id: 'default', name: 'Default' } },
      issued_at: new Date(now).toISOString(),
      expires_at: new Date(now + TOKEN_LIFE_MS).toISOString(),
    }),
    catalog: [{ type: 'load-balancer', endpoints: [{ interface: 'public', region_id: 'one', url: octaviaUrl }] }],
  };
  return { status: 201, body: { token }, headers: { 'x-subject-token': SERVICE_TOKEN } };
}

/** Nothing that the service says to clients may say where its backends are. */
export function addressesOf({ prometheus, gnocchi, octavia, keystone }: Backends): string[] {
  return [prometheus.url, gnocchi.url, octavia.url, keystone.url].map((url) => new URL(url).host);
}
