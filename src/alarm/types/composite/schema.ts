import { z } from 'zod';

import { OptionsRequest, optionsFromRequest, type EvaluationOptions } from '../../evaluation-options.js';
import { describedInput, given, shownText, wrongType } from '../../wire/wire-types.js';
import { LEAF_KINDS, leafTypeOf, optionsOf, type CompositeLeaf, type CompositeNode, type LeafKind } from './tree.js';

const MAX_DEPTH = 4;
const MAX_LEAVES = 20;

/** The keys that Aodh adds to a rule, in its order. */
const ADDED = ['granularity', 'comparison_operator', 'evaluation_periods', 'scope_to_project'];

/** A parsed `composite_rule`. */
export interface CompositeRule {
  type: 'composite';
  tree: CompositeNode;
}

/** Threshold rules combined with `and` and `or` in up to four levels, or one such rule by itself. */
export const CompositeRule: z.ZodType<CompositeRule> = z
  .unknown()
  .transform((value, context): CompositeRule => {
    const tree = readNode(value, [], { context, leaves: 0 });
    return tree === undefined ? z.NEVER : { type: 'composite', tree };
  })
  .meta({
    ...described(),
    title: 'Composite',
    description: 'Combines rules on Gnocchi and Prometheus by "and" and "or".',
  });

type Path = readonly (string | number)[];
type NewIssue = Parameters<z.core.$RefinementCtx['addIssue']>[0];
type SentLeaf = Readonly<Record<string, unknown>>;

/** The state of parsing one composite rule. Parsing ends with the first error, as in Aodh. */
interface ParseState {
  readonly context: z.core.$RefinementCtx;
  leaves: number;
}

/** The tree as JSON Schema, made from the schemas of its leaves. */
function described(): Record<string, unknown> {
  const node = { $ref: '#/$defs/CompositeNode' };
  const list = { type: 'array', items: node };
  const combined = (['and', 'or'] as const).map((operator) => ({
    type: 'object',
    properties: { [operator]: list },
    required: [operator],
    additionalProperties: false,
  }));
  const tocsin = describedInput(given(OptionsRequest));
  const leaves = LEAF_KINDS.map((kind) => {
    const { properties, required, ...rest } = describedInput(leafTypeOf({ type: kind }).schema) as Record<
      string,
      object
    >;
    const names = (required ?? []) as string[];
    return { ...rest, properties: { ...properties, type: { const: kind }, tocsin }, required: [...names, 'type'] };
  });
  return { ...node, $defs: { CompositeNode: { anyOf: [...combined, ...leaves] } } };
}

function readNode(value: unknown, path: Path, parse: ParseState): CompositeNode | undefined {
  if (!isObject(value)) return refuse(parse, malformed(value), path);
  const [key, ...others] = Object.keys(value);
  if (key === undefined || others.length > 0) return readLeaf(value, path, parse);
  if (key !== 'and' && key !== 'or')
    return refuse(parse, 'Threshold rules should be combined with "and" or "or"', path);
  const members = value[key];
  if (!Array.isArray(members)) return refuse(parse, malformed(value), path);
  // Each level adds a key and an index to the path.
  if (path.length >= MAX_DEPTH * 2)
    return refuseField(parse, `Value should be nested at most ${MAX_DEPTH} levels deep`);
  const nodes: CompositeNode[] = [];
  for (const [index, member] of members.entries()) {
    const node = readNode(member, [...path, key, index], parse);
    if (node === undefined) return undefined;
    nodes.push(node);
  }
  return key === 'and' ? { and: nodes } : { or: nodes };
}

function readLeaf({ type, ...sent }: SentLeaf, path: Path, parse: ParseState): CompositeLeaf | undefined {
  if (type === undefined || type === null || type === '') return refuse(parse, 'type must be set in every rule', path);
  if (!isLeafKind(type)) return refuse(parse, unsupported(type), [...path, 'type']);
  parse.leaves += 1;
  if (parse.leaves > MAX_LEAVES) return refuseField(parse, `Value should have at most ${MAX_LEAVES} rules`);
  const { tocsin, ...fields } = sent;
  const parsed = leafTypeOf({ type }).schema.safeParse(fields);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) parse.context.addIssue(placed(issue, path));
    return undefined;
  }
  const misfit = misfitIn(fields);
  if (misfit) return refuseField(parse, misfit.message, [...path, misfit.field]);
  const options = readOptions(tocsin, path, parse);
  if (options === undefined) return undefined;
  const leaf = inOrderOf(sent, options === null ? parsed.data : { ...parsed.data, tocsin: options });
  const problem = leafTypeOf(leaf).optionProblem(leaf, optionsOf(leaf));
  if (problem === undefined) return leaf;
  return refuseField(parse, `It ${problem.message}`, [...path, 'tocsin', problem.option]);
}

/** Null if there are no options; undefined if they are invalid. */
function readOptions(tocsin: unknown, path: Path, { context }: ParseState): EvaluationOptions | null | undefined {
  if (tocsin === undefined || tocsin === null) return null;
  const parsed = OptionsRequest.safeParse(tocsin);
  if (parsed.success) return optionsFromRequest(parsed.data);
  for (const issue of parsed.error.issues) context.addIssue(placed(issue, path, ['tocsin']));
  return undefined;
}

/** Unlike in other rules, Aodh converts neither a boolean to a number nor a text to an integer here. */
function misfitIn(fields: SentLeaf): { field: string; message: string } | undefined {
  const { threshold, evaluation_periods, granularity } = fields;
  if (typeof threshold === 'boolean') return { field: 'threshold', message: wrongType('float', threshold) };
  for (const [field, value] of Object.entries({ evaluation_periods, granularity })) {
    if (typeof value === 'string') return { field, message: wrongType('int', value) };
  }
  return undefined;
}

/** The keys of a rule as clients read them back: the sent ones, the added ones, then the type. */
function inOrderOf(sent: SentLeaf, { type, ...rule }: CompositeLeaf): CompositeLeaf {
  const values: SentLeaf = rule;
  const kept = Object.keys(sent).filter((name) => name !== 'tocsin' || name in values);
  const names = [...kept, ...ADDED.filter((name) => name in values && !(name in sent))];
  return { ...Object.fromEntries(names.map((name) => [name, values[name]])), type } as CompositeLeaf;
}

/**
 * Aodh names an unknown attribute without the path to the rule, and an invalid field by its own name. The header of the
 * refusal has the path of both.
 */
function placed(issue: z.core.$ZodIssue, path: Path, within: Path = []): NewIssue {
  if (issue.code !== 'unrecognized_keys') return { ...issue, path: [...path, ...within, ...issue.path] };
  const named = [...within, ...issue.path];
  return { ...issue, path: named, params: { unnamed: { path, before: named.length } } };
}

/** Refuses the value at the path with a message that is the whole error text. */
function refuse({ context }: ParseState, message: string, path: Path): undefined {
  context.addIssue({ code: 'custom', message, path: [...path], params: { whole: true } });
  return undefined;
}

/** Refuses a field, which the error text names. Without a path it is the whole rule. */
function refuseField({ context }: ParseState, message: string, path: Path = []): undefined {
  context.addIssue({ code: 'custom', message, path: [...path] });
  return undefined;
}

function malformed(value: unknown): string {
  return (
    `Invalid input composite rule: ${shownText(value)}, it should be a dict with an "and" or "or" as key, ` +
    'and the value of dict should be a list of basic threshold rules or sub composite rules, can be nested.'
  );
}

function unsupported(type: unknown): string {
  const known = LEAF_KINDS.map((kind) => `'${kind}'`).join(', ');
  return `Unsupported sub-rule type :${shownText(type)} in composite rule, should be one of: [${known}]`;
}

function isObject(value: unknown): value is SentLeaf {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isLeafKind(type: unknown): type is LeafKind {
  return typeof type === 'string' && (LEAF_KINDS as string[]).includes(type);
}
