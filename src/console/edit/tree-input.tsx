import type { JSX, TargetedEvent } from 'preact';

import { Fault } from '../elements/fault.js';
import { useRowFocus } from '../elements/row-focus.js';
import type { Draft, FieldPath } from './draft.js';
import { Notes } from './field-line.js';
import type { FieldShape, FormField, RuleForm } from './form-fields.js';
import { leafSections, OPTIONS_TITLE, type PlacedField } from './form-sections.js';
import { useField, type ShowField } from './form-state.js';
import { OfferNotice, offerMark } from './type-offer.js';

type Tree = Extract<FieldShape, { kind: 'tree' }>;

/** Properties of all parts of a tree. */
interface TreeParts {
  shape: Tree;
  show: ShowField;
}

/** Words for operators. An operator without words is shown by its name. */
const OPERATOR_WORDS: Readonly<Record<string, string>> = { and: 'all of these hold', or: 'any of these holds' };

/** Rules joined by operators. */
export function TreeInput({ field, path, ...parts }: PlacedField & TreeParts): JSX.Element {
  const { id, value, fault, change } = useField(path);
  return (
    <fieldset class={fault === undefined ? 'list' : 'list wrong'}>
      <legend>{field.title}</legend>
      <Notes id={id} field={{ ...field, description: undefined }} fault={fault} />
      <Node {...parts} path={path} />
      {value === undefined && <AddNode shape={parts.shape} onAdd={change} />}
    </fieldset>
  );
}

function Node({ path, onRemove, ...parts }: TreeParts & { path: FieldPath; onRemove?: () => void }): JSX.Element {
  const { shape, show } = parts;
  const { id, value, fault } = useField(path);
  const node = (value ?? {}) as Draft;
  const operator = shape.operators.find((each) => each in node);
  const remove = onRemove && (
    <button type="button" class="remove" aria-label="Remove this rule" onClick={onRemove}>
      ✕
    </button>
  );
  // `TreeInput` shows the one of the whole tree.
  const problem = onRemove && <Fault id={`${id}.fault`} text={fault} />;
  if (operator !== undefined) {
    return (
      <div class="node">
        <Joint {...parts} path={path} operator={operator} remove={remove} />
        {problem}
      </div>
    );
  }
  const leaf = shape.leaves.find(({ type }) => type === node['type']);
  if (!leaf) return <>{problem}</>;
  return (
    <div class="node">
      <div class="heading">
        <strong>{leaf.title}</strong>
        {remove}
      </div>
      {problem}
      <OfferNotice offer={leaf.offer} />
      <Leaf leaf={leaf} path={path} show={show} />
    </div>
  );
}

/** An operator with the rules that it joins. */
function Joint({
  path,
  operator,
  remove,
  ...parts
}: TreeParts & {
  path: FieldPath;
  operator: string;
  remove: JSX.Element | undefined;
}): JSX.Element {
  const { shape } = parts;
  const { value, change } = useField(path);
  const members = ((value ?? {}) as Record<string, unknown[]>)[operator] ?? [];
  const { list, onAdd, onRemove } = useRowFocus<HTMLDivElement>(':scope > .node', ':scope > .add select');
  return (
    <>
      <div class="heading">
        <select
          aria-label="Operator"
          value={operator}
          onChange={(event: TargetedEvent<HTMLSelectElement>) => change({ [event.currentTarget.value]: members })}
        >
          {shape.operators.map((each) => (
            <option key={each} value={each}>
              {OPERATOR_WORDS[each] ?? each}
            </option>
          ))}
        </select>
        {remove}
      </div>
      <div ref={list} class="members">
        {members.map((_, index) => (
          <Node
            key={index}
            {...parts}
            path={[...path, operator, index]}
            onRemove={() => {
              onRemove(index);
              change({ [operator]: members.toSpliced(index, 1) });
            }}
          />
        ))}
        <AddNode
          shape={shape}
          onAdd={(node) => {
            onAdd();
            change({ [operator]: [...members, node] });
          }}
        />
      </div>
    </>
  );
}

function Leaf({ leaf, path, show }: { leaf: RuleForm; path: FieldPath; show: ShowField }): JSX.Element {
  const { fields, folded } = leafSections(leaf, path);
  return (
    <>
      <div class="fields">{fields.map(show)}</div>
      {folded.map((each) => show({ ...each, field: folding(each.field) }))}
    </>
  );
}

function folding(field: FormField): FormField {
  return field.name === 'tocsin' ? { ...field, title: OPTIONS_TITLE } : field;
}

/** Adds a rule of a type, or a group of rules. */
function AddNode({ shape, onAdd }: { shape: Tree; onAdd: (node: Draft) => void }): JSX.Element {
  const add = (choice: string): void => {
    const leaf = shape.leaves.find(({ type }) => type === choice);
    if (!leaf) return onAdd({ [choice]: [] });
    const compares = leaf.fields.some(({ name }) => name === 'comparison_operator');
    onAdd({ type: choice, ...(compares ? { comparison_operator: 'gt' } : {}) });
  };
  return (
    <div class="add">
      <select
        aria-label="Add a rule"
        value=""
        onChange={(event: TargetedEvent<HTMLSelectElement>) => {
          add(event.currentTarget.value);
          event.currentTarget.value = '';
        }}
      >
        <option value="">Add …</option>
        {shape.leaves.map(({ type, title, offer }) => (
          <option key={type} value={type}>
            {[title, offerMark(offer)].filter(Boolean).join(': ')}
          </option>
        ))}
        {shape.operators.map((each) => (
          <option key={each} value={each}>
            Group: {OPERATOR_WORDS[each] ?? each}
          </option>
        ))}
      </select>
    </div>
  );
}
