import { jsonSchemaOf } from '../../alarm/wire/wire-types.js';
import type { Policy } from '../identity/authorize.js';
import type { Route } from '../http/route.js';
import { ErrorAnswer, UnauthorizedAnswer } from '../answers/error-answer.js';
import { OPERATIONS, type Operation } from './operations.js';

type Json = Record<string, unknown>;

const QUERY: Readonly<Record<string, { schema: Json; description: string }>> = {
  q: {
    schema: { type: 'string' },
    description:
      'Conditions that must all hold: q.field, q.op (default eq), q.value and q.type. Repeat them ' +
      'for more conditions; they are matched by position. q[0].field, q[0].op and so on are accepted too.',
  },
  sort: {
    schema: { type: 'array', items: { type: 'string' } },
    description: 'Sort key: key, key:asc or key:desc. May be repeated.',
  },
  limit: { schema: { type: 'integer', minimum: 0 }, description: 'Most rows of the answer. 0: no limit.' },
  at: {
    schema: { type: 'string' },
    description: 'Time in the past, ISO 8601, in UTC unless it has an offset. Default: now.',
  },
  since: { schema: { type: 'string' }, description: 'ISO 8601, in UTC unless it has an offset; included.' },
  until: { schema: { type: 'string' }, description: 'ISO 8601, in UTC unless it has an offset; not included.' },
  ended_before: {
    schema: { type: 'string' },
    description:
      'ISO 8601, in UTC unless it has an offset; not included. Default, and most: now. Repeat the value of the answer.',
  },
  actor: { schema: { type: 'string' }, description: 'Id of a user or of an API key.' },
  start: { schema: { type: 'string' }, description: 'ISO 8601, in UTC unless it has an offset.' },
  stop: { schema: { type: 'string' }, description: 'ISO 8601, in UTC unless it has an offset; not in the future.' },
  step: {
    schema: { type: 'integer', minimum: 1 },
    description: 'Seconds between two evaluations. Default: evaluator.interval.',
  },
  marker: { schema: { type: 'string' }, description: 'Id of the last row of the previous page.' },
};

const SUCCESS: Readonly<Record<string, number>> = { POST: 201, GET: 200, PUT: 200, DELETE: 204 };
/** Statuses that differ from the one in `SUCCESS`. */
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
  'POST /v1/alarms/values': 200,
  'POST /v1/alarms/latest-values': 200,
};

/** The OpenAPI 3.1 document of the routes, made from the schemas that parse the requests. */
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
        'Alarms on metrics and events. Routes below /v2 are compatible with ' +
        'OpenStack Aodh. Routes below /v1 exist only in Tocsin.',
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
          description: 'A Keystone token, in auth.mode keystone or keystone+apikey.',
        },
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'A key from `tocsin apikey create`, in auth.mode apikey or keystone+apikey.',
        },
      },
    },
  };
}

/** Moves named schemas to `components` and replaces them by references. */
function withSharedSchemas(value: unknown, schemas: Json): unknown {
  if (Array.isArray(value)) return value.map((member) => withSharedSchemas(member, schemas));
  if (typeof value === 'string') return value.replace(/^#\/\$defs\//, '#/components/schemas/');
  if (typeof value !== 'object' || value === null) return value;
  const { $defs, ...rest } = value as Json;
  for (const [name, schema] of Object.entries($defs ?? {})) schemas[name] ??= withSharedSchemas(schema, schemas);
  return Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, withSharedSchemas(member, schemas)]));
}

/** The key of a route in `OPERATIONS`: method and path. */
export function keyOf({ method, path }: Pick<Route, 'method' | 'path'>): string {
  return `${method} ${path}`;
}

/** The HTTP status of a success of the route. */
function successOf(route: Pick<Route, 'method' | 'path'>): number {
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
        : {
            401: {
              description: 'Not authenticated, or the request names another project',
              ...contentOf(UnauthorizedAnswer),
            },
          }),
      default: { description: 'Error', ...contentOf(ErrorAnswer) },
    },
  };
}

function needs(policy: Policy): string {
  if (policy === 'anyone') return 'Requires no role.';
  if (policy === 'project_admin') return 'Requires the role admin, in all projects or in one.';
  return `Requires the role ${policy} or a higher one.`;
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
  return { content: { 'application/json': { schema: jsonSchemaOf(answer, 'input') } } };
}
