import type { ComponentChildren, JSX } from 'preact';

import { Fault } from '../elements/fault.js';
import { Required } from '../elements/required.js';
import { useRowFocus } from '../elements/row-focus.js';
import type { FieldPath } from './draft.js';
import { Control } from './control.js';
import { linksOf, Notes } from './field-line.js';
import type { FieldShape, FormField } from './form-fields.js';
import type { PlacedField } from './form-sections.js';
import { useField, type ShowField } from './form-state.js';

/** A list: a row for each member. */
export function ListInput({
  field,
  shape: { item, maxItems },
  path,
  show,
}: PlacedField & { shape: Extract<FieldShape, { kind: 'list' }>; show: ShowField }): JSX.Element {
  const { id, value, fault, change } = useField(path);
  const members = Array.isArray(value) ? (value as unknown[]) : [];
  const { list, onAdd, onRemove } = useRowFocus<HTMLFieldSetElement>(':scope > .row', ':scope > .add button');
  const isFull = maxItems !== undefined && members.length >= maxItems;
  return (
    <fieldset ref={list} class={fault === undefined ? 'list' : 'list wrong'}>
      <legend>
        {field.title}
        {field.isRequired && <Required />}
      </legend>
      <Notes id={id} field={field} fault={fault} />
      {members.map((_, index) => (
        <Row
          key={index}
          title={`${field.title} ${index + 1}`}
          onRemove={() => {
            onRemove(index);
            change(members.toSpliced(index, 1));
          }}
        >
          <Member field={field} item={item} path={[...path, index]} show={show} />
        </Row>
      ))}
      <div class="add">
        <button
          type="button"
          disabled={isFull}
          aria-label={`Add to ${field.title}`}
          onClick={() => {
            onAdd();
            change([...members, item.kind === 'object' ? {} : '']);
          }}
        >
          Add
        </button>
      </div>
    </fieldset>
  );
}

function Row({
  title,
  onRemove,
  children,
}: {
  title: string;
  onRemove: () => void;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <div class="row" role="group" aria-label={title}>
      {children}
      <button type="button" class="remove" aria-label={`Remove ${title}`} onClick={onRemove}>
        ✕
      </button>
    </div>
  );
}

function Member({
  field,
  item,
  path,
  show,
}: {
  field: FormField;
  item: FieldShape;
  path: FieldPath;
  show: ShowField;
}): JSX.Element {
  const { id, value, fault, change } = useField(path);
  if (item.kind === 'object') {
    return (
      <div class="fields">
        {item.fields.map((each) =>
          show({ field: inLine(each), path: [...path, each.name], isBare: isSmall(item.fields) }),
        )}
        <Fault id={`${id}.fault`} text={fault} />
      </div>
    );
  }
  const member: FormField = { ...field, description: undefined, isRequired: true, fallback: undefined };
  const links = { ...linksOf(id, member, fault), 'aria-label': `${field.title} ${Number(path.at(-1)) + 1}` };
  return (
    <div class={fault === undefined ? 'field' : 'field wrong'}>
      <Control
        shape={oneLine(item)}
        field={member}
        links={links}
        value={value}
        // An empty member stays, so that its row does not vanish while the user types.
        onChange={(next) => change(next ?? '')}
      />
      <Fault id={`${id}.fault`} text={fault} />
    </div>
  );
}

/** True for conditions: they stand in one line without hints. */
function isSmall(fields: readonly FormField[]): boolean {
  return fields.every(({ name }) => ['field', 'op', 'value', 'type'].includes(name));
}

function inLine(field: FormField): FormField {
  return { ...field, shape: oneLine(field.shape) };
}

/** Within a list a text has one line. */
function oneLine(shape: FieldShape): FieldShape {
  return shape.kind === 'text' ? { ...shape, isLong: false } : shape;
}
