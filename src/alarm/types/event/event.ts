import { pythonText } from '../../wire/wire-types.js';
import { typedValue, type TypedValue, type ValueType } from './typed-value.js';

/** A notification of OpenStack, as Ceilometer sends it. */
export interface AlarmEvent {
  messageId: string;
  eventType: string;
  /** The project whose alarms see the event; empty if it names none. */
  projectId: string;
  generated: Date | undefined;
  traits: ReadonlyMap<string, TypedValue>;
  /** The event as it was received, unknown keys included. Receivers get it in `reason_data`. */
  raw: Readonly<Record<string, unknown>>;
}

/** Name, type, value. The type is Ceilometer's number or its name. */
export type Trait = readonly [name: string, type: unknown, value: unknown];

const PROJECT_TRAITS = new Set(['project_id', 'tenant_id']);

function traitType(type: unknown): ValueType {
  if (type === 2 || type === 'integer') return 'integer';
  if (type === 3 || type === 'float') return 'float';
  return type === 4 || type === 'datetime' ? 'datetime' : 'string';
}

/** The value of a trait; undefined if it is not of the trait's type. */
export function traitValue([, type, value]: Trait): TypedValue | undefined {
  const valueType = traitType(type);
  if (typeof value === 'object' && value !== null && valueType === 'string')
    return { kind: 'string', value: pythonText(value) };
  return typedValue(value, valueType);
}

/**
 * The values of an event's traits by name. Of several with one name the last one counts. Traits without a value are
 * absent.
 */
export function traitsByName(traits: readonly Trait[]): Map<string, TypedValue> {
  const values = new Map<string, TypedValue>();
  for (const trait of traits) {
    const value = traitValue(trait);
    if (value) values.set(trait[0], value);
  }
  return values;
}

/** The project of an event: the last trait that names one; empty if there is none. */
export function projectIn(traits: readonly Trait[]): string {
  const naming = traits.findLast(([name, , value]) => PROJECT_TRAITS.has(name) && value !== null);
  return naming === undefined ? '' : pythonText(naming[2]);
}
