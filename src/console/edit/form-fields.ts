/** The parts of JSON Schema that the API uses for bodies. */
export interface JsonSchema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  title?: string;
  description?: string;
  default?: unknown;
  readOnly?: boolean;
  maxLength?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  'x-unit'?: string;
  'x-id-of'?: string;
  'x-types'?: Record<string, OfferedType>;
}

/** Whether the backend of a type is configured, and whether the user may create such alarms. */
export interface OfferedType {
  configured: boolean;
  allowed: boolean;
  reason: string | null;
}

/** How a value is entered. */
export type FieldShape =
  | { kind: 'text'; maxLength: number | undefined; isLong: boolean }
  | { kind: 'choice'; options: string[] }
  | { kind: 'number'; isInteger: boolean; minimum: number | undefined; maximum: number | undefined }
  | { kind: 'boolean' }
  | { kind: 'list'; item: FieldShape; maxItems: number | undefined }
  /** Ids of alarms, chosen by name. */
  | { kind: 'alarms'; maxItems: number | undefined }
  | { kind: 'object'; fields: FormField[] }
  /** Rules joined by operators, in any depth. */
  | { kind: 'tree'; operators: string[]; leaves: RuleForm[] }
  /** Entered as JSON: the form has no input for this schema. */
  | { kind: 'json' };

/** A field of a form. */
export interface FormField {
  name: string;
  title: string;
  description: string | undefined;
  unit: string | undefined;
  isRequired: boolean;
  /** The default of the service for a field that is left out. */
  fallback: unknown;
  shape: FieldShape;
}

/** The fields of a type of rule: of an alarm, or of a rule within a composite one. */
export interface RuleForm {
  type: string;
  title: string;
  description: string | undefined;
  fields: FormField[];
  /** Undefined for a service that does not tell. */
  offer?: OfferedType | undefined;
}

/** A text that may be longer gets an input of several lines. */
const LONG_TEXT = 1000;

/** The fields of an object, without those that the service sets. */
export function fieldsOf(schema: JsonSchema, root: JsonSchema): FormField[] {
  const required = schema.required ?? [];
  return Object.entries(schema.properties ?? {})
    .filter(([, { readOnly, const: fixed }]) => readOnly !== true && fixed === undefined)
    .map(([name, each]) => {
      const found = withoutNull(each, root);
      return {
        name,
        title: each.title ?? found.title ?? wordsOf(name),
        description: each.description ?? found.description,
        unit: each['x-unit'],
        isRequired: required.includes(name),
        fallback: each.default,
        shape: shapeOf(found, root),
      };
    });
}

/** The types of alarms, each with the fields of its rule. */
export function alarmTypesOf(root: JsonSchema): RuleForm[] {
  const { type, ...properties } = root.properties ?? {};
  return (type?.enum ?? []).map((each) => {
    const name = String(each);
    const property = properties[`${name}_rule`] ?? {};
    const rule = withoutNull(property, root);
    const isTree = shapeOf(rule, root).kind !== 'object';
    const outerSchema: JsonSchema = {
      properties: { [`${name}_rule`]: { ...rule, title: 'Rule' } },
      required: [`${name}_rule`],
    };
    return {
      type: name,
      title: titleOf(property, root) ?? wordsOf(name),
      description: descriptionOf(property, root),
      fields: isTree ? fieldsOf(outerSchema, root) : fieldsOf(rule, root),
      offer: root['x-types']?.[name],
    };
  });
}

/** True if the rule of an alarm is an object with fields; a composite rule is a tree instead. */
export function isFlatRule(type: string, { fields }: RuleForm): boolean {
  return fields.length !== 1 || fields[0]?.name !== `${type}_rule`;
}

function shapeOf(given: JsonSchema, root: JsonSchema): FieldShape {
  const tree = treeOf(given, root);
  if (tree) return tree;
  const schema = withoutNull(given, root);
  if (schema.enum) return { kind: 'choice', options: schema.enum.map(String) };
  switch (schema.type) {
    case 'string':
      return textOf(schema);
    case 'number':
    case 'integer':
      return {
        kind: 'number',
        isInteger: schema.type === 'integer',
        minimum: schema.minimum,
        maximum: schema.maximum,
      };
    case 'boolean':
      return { kind: 'boolean' };
    case 'array':
      return listOf(schema, root);
    case 'object':
      return schema.properties ? { kind: 'object', fields: fieldsOf(schema, root) } : { kind: 'json' };
    default:
      return { kind: 'json' };
  }
}

function textOf({ maxLength }: JsonSchema): FieldShape {
  return { kind: 'text', maxLength, isLong: maxLength === undefined || maxLength > LONG_TEXT };
}

function listOf({ items = {}, maxItems }: JsonSchema, root: JsonSchema): FieldShape {
  if (items['x-id-of'] === 'alarm') return { kind: 'alarms', maxItems };
  const item = shapeOf(items, root);
  // The form has no rows for lists within lists.
  return item.kind === 'list' || item.kind === 'tree' ? { kind: 'json' } : { kind: 'list', item, maxItems };
}

/** A schema that refers to itself: operators with lists of itself, and rules that have a type. */
function treeOf({ $ref }: JsonSchema, root: JsonSchema): FieldShape | undefined {
  if ($ref === undefined) return undefined;
  const { anyOf = [] } = referred($ref, root);
  const operators = anyOf.flatMap(({ properties = {} }) =>
    Object.entries(properties).flatMap(([name, { items }]) => (items?.$ref === $ref ? [name] : [])),
  );
  if (operators.length === 0) return undefined;
  const leaves = anyOf.flatMap((each) => {
    const type = each.properties?.['type']?.const;
    if (typeof type !== 'string') return [];
    const { title = wordsOf(type), description } = each;
    return [{ type, title, description, fields: fieldsOf(each, root), offer: root['x-types']?.[type] }];
  });
  return { kind: 'tree', operators, leaves };
}

/** A schema without the alternative of null. */
function withoutNull(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const { anyOf, type, $ref } = schema;
  if ($ref !== undefined) {
    const target = referred($ref, root);
    return target.anyOf ? schema : target;
  }
  if (Array.isArray(type)) {
    const [one, ...others] = type.filter((each) => each !== 'null');
    return one === undefined || others.length > 0 ? {} : { ...schema, type: one };
  }
  if (!anyOf) return schema;
  const [one, ...others] = anyOf.filter(({ type: each }) => each !== 'null');
  return one === undefined || others.length > 0 ? {} : withoutNull(one, root);
}

function referred(reference: string, { $defs }: JsonSchema): JsonSchema {
  return $defs?.[reference.replace(/^#\/\$defs\//, '')] ?? {};
}

function titleOf(schema: JsonSchema, root: JsonSchema): string | undefined {
  return schema.title ?? firstOf(schema)?.title ?? withoutNull(schema, root).title;
}

function descriptionOf(schema: JsonSchema, root: JsonSchema): string | undefined {
  return schema.description ?? firstOf(schema)?.description ?? withoutNull(schema, root).description;
}

function firstOf({ anyOf }: JsonSchema): JsonSchema | undefined {
  return anyOf?.find(({ type }) => type !== 'null');
}

/** `pool_id` as `Pool id`. */
function wordsOf(name: string): string {
  const words = name.replace(/_/g, ' ');
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}
