import type { JSX, TargetedEvent } from 'preact';

import { Fault } from '../elements/fault.js';
import { AlarmsInput } from './alarms-input.js';
import { Control } from './control.js';
import { FieldLine, linksOf, Notes } from './field-line.js';
import { Fold } from './fold.js';
import type { FormField } from './form-fields.js';
import type { PlacedField } from './form-sections.js';
import { useField, type ShowField } from './form-state.js';
import { ListInput } from './list-input.js';
import { TreeInput } from './tree-input.js';

/** Passed to list and tree inputs, which this module imports and which show fields themselves. */
const showField: ShowField = (each) => <FieldInput key={each.path.join('.')} {...each} />;

/** A field of the form, with the input for the shape in its schema. */
export function FieldInput({ field, path, isBare = false }: PlacedField & { isBare?: boolean }): JSX.Element {
  const { id, value, fault, hint, change } = useField(path);
  const { shape } = field;
  switch (shape.kind) {
    case 'list':
      return <ListInput field={field} shape={shape} path={path} show={showField} />;
    case 'alarms':
      return <AlarmsInput field={field} maxItems={shape.maxItems} path={path} />;
    case 'tree':
      return <TreeInput field={field} shape={shape} path={path} show={showField} />;
    case 'object':
      return <Group field={field} fields={shape.fields} path={path} />;
    case 'boolean':
      return (
        <div class={fault === undefined ? 'field' : 'field wrong'}>
          <label class="check">
            <input
              type="checkbox"
              checked={(value ?? field.fallback) === true}
              onChange={(event: TargetedEvent<HTMLInputElement>) => change(event.currentTarget.checked)}
              {...linksOf(id, field, fault)}
            />
            {field.title}
          </label>
          <Notes id={id} field={field} fault={fault} />
        </div>
      );
    default:
      return (
        <FieldLine id={id} field={field} fault={fault} hint={hint} isBare={isBare}>
          <Control
            shape={shape}
            field={field}
            links={linksOf(id, isBare ? { ...field, description: undefined } : field, fault, hint)}
            value={value}
            onChange={change}
          />
        </FieldLine>
      );
  }
}

/** The fields of an object within the alarm. */
function Group({ field, fields, path }: PlacedField & { fields: readonly FormField[] }): JSX.Element {
  const { id, fault } = useField(path);
  return (
    <Fold title={field.title} fields={fields} isOpen={field.isRequired}>
      <Fault id={`${id}.fault`} text={fault} />
      {fields.map((each) => showField({ field: each, path: [...path, each.name] }))}
    </Fold>
  );
}
