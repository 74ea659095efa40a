import { describedInput } from '../../alarm/wire/wire-types.js';
import type { PythonValue } from '../../alarm/wire/python-json.js';
import type { Route } from '../http/route.js';
import { AlarmRequest } from '../schema/alarm-request.js';

/** `/v1/alarm-schema`: the part of `/openapi.json` that a form for alarms needs, in an eighth of its size. */
export function alarmSchemaRoutes(): Route[] {
  const schema = alarmSchema();
  return [
    {
      method: 'GET',
      path: '/v1/alarm-schema',
      policy: 'anyone',
      audit: null,
      handle: () => ({ status: 200, body: schema as PythonValue }),
    },
  ];
}

/** JSON Schema 2020-12 of the body that creates an alarm. Schemas that it refers to are in `$defs`. */
export function alarmSchema(): Record<string, unknown> {
  const $defs: Record<string, unknown> = {};
  withoutDefinitions(describedInput(AlarmRequest), $defs);
  const { AlarmRequest: body, ...referred } = $defs;
  return { ...(body as object), $defs: referred };
}

/** Moves the named schemas within a schema to `definitions`. */
function withoutDefinitions(value: unknown, definitions: Record<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((member) => withoutDefinitions(member, definitions));
  if (typeof value !== 'object' || value === null) return value;
  const { $defs, ...rest } = value as Record<string, unknown>;
  for (const [name, schema] of Object.entries($defs ?? {}))
    definitions[name] ??= withoutDefinitions(schema, definitions);
  return Object.fromEntries(
    Object.entries(rest).map(([key, member]) => [key, withoutDefinitions(member, definitions)]),
  );
}
