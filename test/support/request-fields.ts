/** What /openapi.json says of requests, as far as their fields go. */
export interface RequestDocument {
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, Schema> };
}

interface DocumentedOperation {
  parameters?: { name: string; in: string }[];
  requestBody?: { content: { 'application/json': { schema: Schema } } };
}

interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  const?: unknown;
}

/**
 * Every field of every request: `POST /v2/quotas: quotas[].limit` for a field of the body, `GET /v2/alarms ?limit` for
 * a parameter of the URL. Fields of the rules within a composite rule are told by the kind of the rule:
 * `composite_rule<prometheus>.query`.
 */
export function requestFields(document: RequestDocument): string[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { parameters = [], requestBody }]) => {
      const route = `${method.toUpperCase()} ${path}`;
      const schema = requestBody?.content['application/json'].schema;
      // The four parameters of a condition count as one.
      const names = parameters.filter((each) => each.in === 'query').map(({ name }) => name.replace(/^q[.].*/, 'q'));
      const inUrl = [...new Set(names)].map((name) => `${route} ?${name}`);
      return [...inUrl, ...(schema ? fieldsOf(schema, document, '').map((field) => `${route}: ${field}`) : [])];
    }),
  );
}

function fieldsOf(schema: Schema, document: RequestDocument, at: string): string[] {
  if (schema.$ref !== undefined) {
    const named = document.components.schemas[schema.$ref.slice('#/components/schemas/'.length)] ?? {};
    return named.properties ? fieldsOf(named, document, at) : fieldsOfNode(named, document, at);
  }
  const inside = [
    ...(schema.anyOf ?? []).flatMap((each) => fieldsOf(each, document, at)),
    ...(schema.items ? fieldsOf(schema.items, document, `${at}[]`) : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, each]) => {
      return fieldsOf(each, document, at === '' ? name : `${at}.${name}`);
    }),
  ].filter((field) => field !== at && field !== `${at}[]`);
  return inside.length > 0 ? [...new Set(inside)] : [at];
}

/** Of a node of a composite rule: its operators, and the fields of each kind of rule that may stand there. */
function fieldsOfNode({ anyOf = [] }: Schema, document: RequestDocument, at: string): string[] {
  return anyOf.flatMap((each) => {
    const kind = each.properties?.['type']?.const;
    if (typeof kind === 'string') return fieldsOf(each, document, `${at}<${kind}>`);
    return Object.keys(each.properties ?? {}).map((name) => `${at}.${name}`);
  });
}
