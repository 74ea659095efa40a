import { jsonSchemaOf } from '../../alarm/wire/wire-types.js';
import type { Policy } from '../identity/authorize.js';
import type { Route } from '../http/route.js';
import { ErrorAnswer, UnauthorizedAnswer } from './answers.js';
import { OPERATIONS, type Operation } from './operations.js';

type Json = Record<string, unknown>;

const QUERY: Readonly<Record<string, { schema: Json; description: string }>> = {
  q: {
    schema: { type: 'string' },
    description:
      'Conditions, all of which must hold: q.field, q.op (eq where left out), q.value and q.type, each repeated and matched by position; or q[0].field and so on.',
  },
  sort: {
    schema: { type: 'array', items: { type: 'string' } },
    description: 'key, key:asc or key:desc; may be repeated.',
  },
  limit: { schema: { type: 'integer', minimum: 0 }, description: 'At most so many. 0, like no limit, is everything.' },
  at: {
    schema: { type: 'string' },
    description: 'A moment of the past, ISO 8601; UTC where it names no offset. Now, where it is left out.',
  },
  marker: { schema: { type: 'string' }, description: 'Id of the last one of the page before.' },
};

const SUCCESS: Readonly<Record<string, number>> = { POST: 201, GET: 200, PUT: 200, DELETE: 204 };
/** Where the status is another than the method suggests. */
const STATUS: Readonly<Record<string, number>> = {
  'POST /v1/notifications/replay': 202,
  'POST /v1/notifications/:id/replay': 202,
  'PUT /v1/delivery-pauses/:project': 204,
  'POST /v2/alarms/backtest': 200,
  'POST /v1/imports': 200,
  'POST /v1/imports/activate': 200,
  'POST /v2/query/alarms': 200,
  'POST /v2/query/alarms/history': 200,
  'POST /v2/events': 200,
};

/** OpenAPI 3.1 of the routes, from the schemas that requests are parsed with. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const operation = OPERATIONS[keyOf(route)];
    if (operation === undefined) throw new Error(`${keyOf(route)} has no operation`);
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[route.method.toLowerCase()] = described(route, operation);
  }
  const schemas: Json = {};
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tocsin',
      version,
      description:
        'Alarms on metrics and events. Everything below /v2 speaks the language of OpenStack Aodh; /v1 is ours.',
    },
    servers: [{ url: '/' }],
    paths: withSharedSchemas(paths, schemas),
    components: {
      schemas,
      securitySchemes: {
        keystone: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Auth-Token',
          description: 'A token of Keystone, in auth.mode keystone.',
        },
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'A key made with `tocsin apikey create`, in auth.mode apikey.',
        },
      },
    },
  };
}

/** Named schemas are written once, below components; each place refers to them. */
function withSharedSchemas(value: unknown, schemas: Json): unknown {
  if (Array.isArray(value)) return value.map((member) => withSharedSchemas(member, schemas));
  if (typeof value === 'string') return value.replace(/^#\/\$defs\//, '#/components/schemas/');
  if (typeof value !== 'object' || value === null) return value;
  const { $defs, ...rest } = value as Json;
  for (const [name, schema] of Object.entries($defs ?? {})) schemas[name] ??= withSharedSchemas(schema, schemas);
  return Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, withSharedSchemas(member, schemas)]));
}

export function keyOf({ method, path }: Pick<Route, 'method' | 'path'>): string {
  return `${method} ${path}`;
}

/** The status of a success. */
export function successOf(route: Pick<Route, 'method' | 'path'>): number {
  return STATUS[keyOf(route)] ?? SUCCESS[route.method] ?? 200;
}

function described(route: Route, { group, summary, request, answer }: Operation): Json {
  return {
    tags: [group],
    summary,
    operationId: keyOf(route)
      .replace(/[^A-Za-z0-9]+/g, '_')
      .replace(/_$/, ''),
    ...(route.policy === 'public'
      ? { security: [] }
      : { description: needs(route.policy), security: [{ keystone: [] }, { key: [] }] }),
    parameters: [...pathParameters(route), ...queryParameters(route)],
    ...(request
      ? { requestBody: { required: true, content: { 'application/json': { schema: jsonSchemaOf(request, 'input') } } } }
      : {}),
    responses: {
      [successOf(route)]: { description: 'Done', ...contentOf(answer) },
      ...(route.policy === 'public'
        ? {}
        : { 401: { description: 'Not authenticated, or naming another project', ...contentOf(UnauthorizedAnswer) } }),
      default: { description: 'Refused, or not possible now', ...contentOf(ErrorAnswer) },
    },
  };
}

function needs(policy: Policy): string {
  return policy === 'anyone' ? 'Needs no role.' : `Needs the role ${policy} or one above it.`;
}

function pathParameters({ path }: Route): Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters({ query = [] }: Route): Json[] {
  return query.map((name) => ({ name, in: 'query', ...(QUERY[name] ?? { schema: { type: 'string' } }) }));
}

function contentOf(answer: Operation['answer']): Json {
  if (answer === null) return {};
  if (typeof answer === 'string') return { content: { [answer]: {} } };
  return { content: { 'application/json': { schema: jsonSchemaOf(answer, 'output') } } };
}
