import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

import type { Answered } from './api.js';

interface Operation {
  responses: Record<string, { content?: Record<string, { schema?: unknown }> }>;
}

interface OpenApiDocument {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
}

/** Throws if the document does not describe the answer. */
export type RefuseUndocumented = (method: string, path: string, answer: Answered) => void;

/** Holds answers to an OpenAPI document: a status or a body that it does not describe is an error. */
export function documentedAnswers(document: OpenApiDocument): RefuseUndocumented {
  const ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    formats: { 'date-time': true }, // the pattern beside it is stricter
    // The schemas are compiled for some hundred answers: checking and optimizing them first takes longer than it saves.
    meta: false,
    validateSchema: false,
    code: { optimize: false },
    schemas: [{ $id: 'doc', ...document }],
  });
  const compiled = new Map<string, ValidateFunction>();
  // An exact path comes before one with parameters.
  const patterns = Object.keys(document.paths)
    .map((path) => ({ path, pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}/?$`) }))
    .sort((a, b) => a.path.split('{').length - b.path.split('{').length);

  function schemaAt(pointer: readonly string[]): ValidateFunction {
    const parts = pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')));
    const reference = `doc#/${parts.join('/')}`;
    const known = compiled.get(reference) ?? ajv.compile({ $ref: reference });
    compiled.set(reference, known);
    return known;
  }

  function operationAt(method: string, url: string): { path: string; operation: Operation } | undefined {
    const { pathname } = new URL(url, 'http://localhost');
    for (const { path, pattern } of patterns) {
      const operation = document.paths[path]?.[method];
      if (operation && pattern.test(pathname)) return { path, operation };
    }
    return undefined;
  }

  return (method, url, answer) => {
    const found = operationAt(method.toLowerCase(), url);
    if (found === undefined) return;
    const { path, operation } = found;
    const status = String(answer.status) in operation.responses ? String(answer.status) : 'default';
    const content = operation.responses[status]?.content;
    const complain = (what: string): never => {
      throw new Error(`${method} ${path} answers ${answer.status} ${what}\n${answer.text}`);
    };
    if (status === 'default' && answer.status < 400) complain('and /openapi.json does not say so');
    if (content === undefined && answer.text !== '') complain('with a body that /openapi.json does not have');
    if (content?.['application/json'] === undefined) return;
    const validate = schemaAt([
      'paths',
      path,
      method.toLowerCase(),
      'responses',
      status,
      'content',
      'application/json',
      'schema',
    ]);
    if (!validate(JSON.parse(answer.text)))
      complain(`and not as /openapi.json says: ${ajv.errorsText(validate.errors)}`);
  };
}
