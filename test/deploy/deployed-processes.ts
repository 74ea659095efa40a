import { parse, parseAllDocuments } from 'yaml';

import { filesOf, sourceOf } from '../support/source-tree.js';

/** A probe over HTTP that asks a process whether it is alive or ready. */
export interface Probe {
  port: number;
  path: string;
}

/** A process that a file of deploy/ starts. */
export interface DeployedProcess {
  name: string;
  /** Arguments of the program: a command and its flags. */
  args: readonly string[];
  environment: Readonly<Record<string, string>>;
  probes: readonly Probe[];
}

/** The parts of a container in Kubernetes that are read here. */
interface Container {
  args: string[];
  ports?: { name: string; containerPort: number }[];
  [probe: `${string}Probe`]: { httpGet: { path: string; port: string } };
}

/** The parts of a Kubernetes object that are read here. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  stringData?: Record<string, string>;
  /** Objects without pods have no template; a ConfigMap has no spec. */
  spec?: Record<string, unknown> & { template?: { spec: Record<string, unknown> & { containers: Container[] } } };
}

interface ComposeService {
  image: string;
  command?: string[];
  environment: Record<string, string>;
  healthcheck: { test?: string[] };
}

const IMAGE = sourceOf('Dockerfile');

/** What the Dockerfile sets for each process of the image. */
const IMAGE_ENVIRONMENT = variablesIn(/^ENV (.*)$/m.exec(IMAGE)?.[1]?.split(' ') ?? []);

/** All objects of deploy/kubernetes/. */
export function kubernetesObjects(): KubernetesObject[] {
  return filesOf('deploy/kubernetes', '.yaml').flatMap((file) =>
    parseAllDocuments(sourceOf(file)).map((document) => {
      if (document.errors.length > 0) throw new Error(`${file}: ${document.errors.join('; ')}`);
      return document.toJS() as KubernetesObject;
    }),
  );
}

/** All processes of Tocsin that deploy/ starts. */
export function deployedProcesses(): DeployedProcess[] {
  return [...ofSystemd(), ...ofCompose(), ...ofKubernetes()];
}

function ofSystemd(): DeployedProcess[] {
  return filesOf('deploy/systemd', '.service').map((name) => {
    const values = (key: string): string[] =>
      [...sourceOf(name).matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value);
    const [, args = ''] = / \/opt\/tocsin\/build\/src\/main\.js (.*)$/.exec(values('ExecStart')[0] ?? '') ?? [];
    return { name, args: args.split(' '), environment: variablesIn(values('Environment')), probes: [] };
  });
}

function ofCompose(): DeployedProcess[] {
  const { services } = parse(sourceOf('deploy/compose.yaml'), { merge: true }) as {
    services: Record<string, ComposeService>;
  };
  return Object.entries(services).flatMap(([name, { image, command, environment, healthcheck }]) => {
    if (!image.startsWith('tocsin:')) return [];
    const probe = /fetch\('http:\/\/127\.0\.0\.1:(\d+)(\/\w+)'\)/.exec(healthcheck.test?.join(' ') ?? '');
    return {
      name: `${name} of deploy/compose.yaml`,
      args: command ?? (JSON.parse(/^CMD (.*)$/m.exec(IMAGE)?.[1] ?? '') as string[]),
      environment: { ...IMAGE_ENVIRONMENT, ...environment },
      probes: probe ? [{ port: Number(probe[1]), path: String(probe[2]) }] : [],
    };
  });
}

function ofKubernetes(): DeployedProcess[] {
  const objects = kubernetesObjects();
  const shared = objects.find(({ kind }) => kind === 'ConfigMap')?.data;
  return objects.flatMap(({ kind, metadata, spec }) =>
    (spec?.template?.spec.containers ?? []).map((container) => ({
      name: `${kind} ${metadata.name} of deploy/kubernetes/`,
      args: container.args,
      environment: { ...IMAGE_ENVIRONMENT, ...shared },
      probes: probesOf(container),
    })),
  );
}

function probesOf(container: Container): Probe[] {
  return (['startupProbe', 'livenessProbe', 'readinessProbe'] as const).flatMap((name) => {
    if (container[name] === undefined) return [];
    const { path, port } = container[name].httpGet;
    return { path, port: container.ports?.find((each) => each.name === port)?.containerPort ?? NaN };
  });
}

function variablesIn(settings: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    settings.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  );
}
