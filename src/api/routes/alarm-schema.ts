import { describedInput } from '../../alarm/wire/wire-types.js';
import type { PythonValue } from '../../alarm/wire/python-json.js';
import { LEAF_KINDS } from '../../alarm/types/composite/tree.js';
import { ALARM_KINDS, type AlarmKind } from '../../alarm/types/index.js';
import type { TypeOffer } from '../answers/alarm-schema-answer.js';
import type { Route } from '../http/route.js';
import { isAdmin } from '../identity/authorize.js';
import type { RuleChecks, TypeLimits } from '../ports.js';
import { AlarmRequest } from '../schema/alarm-request.js';

/** `/v1/alarm-schema`: the part of `/openapi.json` that a form for alarms needs, in an eighth of its size. */
export function alarmSchemaRoutes({ ruleChecks }: { ruleChecks: Pick<RuleChecks, 'limitsOf'> }): Route[] {
  const schema = alarmSchema();
  return [
    {
      method: 'GET',
      path: '/v1/alarm-schema',
      policy: 'anyone',
      audit: null,
      handle: ({ identity }) => {
        const offers = typeOffers((type) => ruleChecks.limitsOf(type, { isAdmin: isAdmin(identity) }));
        return { status: 200, body: { ...schema, 'x-types': offers } as PythonValue };
      },
    },
  ];
}

/** Whether the alarms of each type can be evaluated here and created by the caller. */
function typeOffers(limitsOf: (type: AlarmKind) => TypeLimits): Record<string, TypeOffer> {
  const offers = Object.fromEntries(ALARM_KINDS.map((type) => [type, offerOf(limitsOf(type))]));
  const leaves = LEAF_KINDS.flatMap((kind) => offers[kind] ?? []);
  const isUsable = ({ configured, allowed }: TypeOffer): boolean => configured && allowed;
  if (leaves.some(isUsable)) return offers;
  // A composite rule needs a rule within it.
  const reason = [...new Set(leaves.map((leaf) => leaf.reason))].join('; ');
  return { ...offers, composite: { configured: false, allowed: leaves.some(({ allowed }) => allowed), reason } };
}

function offerOf({ missing, refusal }: TypeLimits): TypeOffer {
  const reasons = [...missing, ...(refusal === undefined ? [] : [refusal])];
  return {
    configured: missing.length === 0,
    allowed: refusal === undefined,
    reason: reasons.length === 0 ? null : reasons.join('; '),
  };
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
