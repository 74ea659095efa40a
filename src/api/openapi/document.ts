import { z } from 'zod';

import { jsonSchemaOf } from '../../alarm/wire/wire-types.js';
import type { Policy } from '../identity/authorize.js';
import type { Route } from '../http/route.js';
import { LOOPBACK_COOKIE, SECURE_COOKIE } from '../identity/session-cookie.js';
import { ErrorAnswer, UnauthorizedAnswer } from '../answers/error-answer.js';
import { ANSWER_EXAMPLES } from './answer-examples.js';
import { OPERATION_NAMES } from './operation-names.js';
import type { Operation } from './operation.js';
import { OPERATIONS } from './operations.js';
import { ETAG, IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED, IF_MATCH, parametersOf, type Json } from './parameters.js';
import { REQUEST_EXAMPLES, type BodyExample } from './request-examples.js';
import { WEBHOOKS } from './webhook.js';

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
  'POST /v1/alarms/test-fire': 200,
  'POST /v1/alarms/:id/test-fire': 200,
  'POST /v1/alarms/values': 200,
  'POST /v1/silences/preview': 200,
  'POST /v1/alarms/latest-values': 200,
};

const CHANGED_MEANWHILE = 'If-Match names other versions than the stored one; nothing was changed';
const UNAUTHORIZED = 'Not authenticated, or the request names another project';

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
    webhooks: withSharedSchemas(WEBHOOKS, schemas),
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
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: SECURE_COOKIE,
          description:
            'The session of a browser that signed in with POST /v1/session, in every auth.mode but noauth. On plain ' +
            `http to a loopback address the cookie is named ${LOOPBACK_COOKIE}. It counts only in requests of pages ` +
            'of this service; requests that are not a GET need the header X-Tocsin-Console, too.',
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

function described(
  route: Route,
  { group, summary, request, isRequestOptional, answer, otherStatuses = {}, isVersioned, isStream }: Operation,
): Json {
  const name = OPERATION_NAMES[keyOf(route)];
  if (name === undefined) throw new Error(`${keyOf(route)} has no name`);
  const { policy } = route;
  const version = isVersioned ? versionOf(route, answer) : undefined;
  return {
    tags: [group],
    summary,
    operationId: name,
    ...(policy === 'public'
      ? { security: [] }
      : { description: needs(policy), security: [{ keystone: [] }, { key: [] }, { session: [] }] }),
    parameters: [...parametersOf(route), ...(version?.parameters ?? []), ...keyParameters(route)],
    ...(request
      ? { requestBody: { required: isRequestOptional !== true, ...jsonContent(request, REQUEST_EXAMPLES[name]) } }
      : {}),
    responses: {
      [successOf(route)]: {
        description: 'Done',
        ...headersOf(route, version?.headers),
        ...(isStream ? eventContent(answer) : contentOf(answer, ANSWER_EXAMPLES[name])),
      },
      ...Object.fromEntries(Object.entries(otherStatuses).map(([status, description]) => [status, { description }])),
      ...version?.responses,
      ...(policy === 'public' ? {} : { 401: { description: UNAUTHORIZED, ...contentOf(UnauthorizedAnswer) } }),
      default: { description: 'Error', ...contentOf(ErrorAnswer) },
    },
  };
}

/** The parameters, headers and responses of a route of an object with versions. */
function versionOf(
  { method }: Route,
  answer: Operation['answer'],
): { parameters: Json[]; headers: Json; responses: Json } {
  const isChange = method === 'PUT' || method === 'DELETE';
  return {
    parameters: isChange ? [IF_MATCH] : [],
    headers: answer === null ? {} : ETAG,
    responses: isChange ? { 412: { description: CHANGED_MEANWHILE, ...contentOf(ErrorAnswer) } } : {},
  };
}

function keyParameters({ keyed }: Route): Json[] {
  return keyed ? [IDEMPOTENCY_KEY] : [];
}

function headersOf({ keyed }: Route, ofVersion: Json = {}): { headers?: Json } {
  const headers = { ...ofVersion, ...(keyed && IDEMPOTENCY_REPLAYED) };
  return Object.keys(headers).length > 0 ? { headers } : {};
}

function needs(policy: Policy): string {
  if (policy === 'anyone') return 'Requires no role.';
  if (policy === 'project_admin') return 'Requires the role admin, in all projects or in one.';
  return `Requires the role ${policy} or a higher one.`;
}

function contentOf(answer: Operation['answer'], example?: unknown): Json {
  if (answer === null) return {};
  if (typeof answer === 'string') return { content: { [answer]: {} } };
  return jsonContent(answer, example === undefined ? undefined : { answer: { summary: 'Example', value: example } });
}

/** The data of server-sent events. OpenAPI 3.1 has no way to describe their other lines. */
function eventContent(data: Operation['answer']): Json {
  const schema = data instanceof z.ZodType ? jsonSchemaOf(data, 'input') : {};
  return { content: { 'text/event-stream': { schema } } };
}

function jsonContent(schema: z.ZodType, examples: Readonly<Record<string, BodyExample>> | undefined): Json {
  return { content: { 'application/json': { schema: jsonSchemaOf(schema, 'input'), ...(examples && { examples }) } } };
}
