import { valueAt, type Draft } from './draft.js';
import type { FieldShape, FormField } from './form-fields.js';
import type { PlacedField } from './form-sections.js';

/** The first mandatory field without a value; undefined if the draft can be sent. */
export function missingField(fields: readonly PlacedField[], draft: Draft): PlacedField | undefined {
  return fields.find(({ field, path }) => isMissing(field, valueAt(draft, path)));
}

function isMissing({ isRequired, shape }: FormField, value: unknown): boolean {
  if (value === undefined || value === null || value === '') return isRequired;
  return !isComplete(shape, value);
}

function isComplete(shape: FieldShape, value: unknown): boolean {
  switch (shape.kind) {
    case 'list':
      return (value as unknown[]).every((member) => member !== '' && isComplete(shape.item, member));
    case 'object':
      return areComplete(shape.fields, value as Draft);
    case 'tree':
      return isCompleteTree(shape, value as Draft);
    default:
      return true;
  }
}

function areComplete(fields: readonly FormField[], value: Draft): boolean {
  return fields.every((field) => !isMissing(field, value[field.name]));
}

function isCompleteTree(shape: Extract<FieldShape, { kind: 'tree' }>, node: Draft): boolean {
  const operator = shape.operators.find((each) => each in node);
  if (operator !== undefined) {
    const members = node[operator] as Draft[];
    return members.length > 0 && members.every((member) => isCompleteTree(shape, member));
  }
  const leaf = shape.leaves.find(({ type }) => type === node['type']);
  return leaf !== undefined && areComplete(leaf.fields, node);
}
