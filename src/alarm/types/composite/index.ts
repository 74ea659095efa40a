import { pythonJson, RawJson } from '../../wire/python-json.js';
import type { EvaluationOptions, OptionProblem } from '../../evaluation-options.js';
import type { AlarmType, RuleScope } from '../alarm-type.js';
import { noOptionAllowed } from '../option-problems.js';
import { evaluateComposite, explainComposite, type CompositeFindings } from './evaluate.js';
import { leafJson, shownLeafJson } from './leaf-json.js';
import { CompositeRule } from './schema.js';
import { leafTypeOf, leavesOf, optionsOf, withLeaves, type CompositeLeaf, type CompositeNode } from './tree.js';

export const composite: AlarmType<CompositeRule, CompositeFindings> = {
  schema: CompositeRule,
  judgedBy: 'series',
  repeatsWhileUnknown: false,
  ruleJson: ({ tree }) => treeJson(tree, leafJson),
  shownJson: ({ tree }) => treeJson(tree, shownLeafJson),
  // Aodh's history shows the project in Prometheus rules only.
  historyJson: ({ tree }) =>
    treeJson(tree, (leaf) => (leaf.type === 'prometheus' ? leafJson(leaf) : shownLeafJson(leaf))),
  fromStored: (stored) => ({ type: 'composite', tree: stored as CompositeNode }),
  defaultDescription: () => 'composite alarm rule',
  members: () => [],
  scopedTo: ({ type, tree }, scope) => ({
    type,
    tree: withLeaves(tree, (leaf) => leafTypeOf(leaf).scopedTo(leaf, scopeAt(leaf, scope))),
  }),
  backends: ({ tree }) => [...new Set(leavesOf(tree).flatMap((leaf) => leafTypeOf(leaf).backends(leaf)))],
  seriesNeeded: ({ tree }) => leavesOf(tree).flatMap((leaf) => leafTypeOf(leaf).seriesNeeded(leaf, optionsOf(leaf))),
  // The partition follows from the first query, so the merge group does, too.
  mergeGroup: ({ tree }) => {
    const [first] = leavesOf(tree);
    return first && leafTypeOf(first).mergeGroup?.(first, optionsOf(first));
  },
  optionProblem: (_, options) => misplacedOption(options),
  evaluate: ({ tree }, input) => evaluateComposite(tree, input),
  explain: explainComposite,
};

/** Options belong to the rules within. Options of the whole alarm are refused with a hint. */
function misplacedOption(options: EvaluationOptions): OptionProblem | undefined {
  const problem = noOptionAllowed(options, 'composite');
  return problem && { ...problem, message: `${problem.message}, whose rules can have a tocsin object each` };
}

function scopeAt({ tocsin }: CompositeLeaf, scope: RuleScope): RuleScope {
  const { backend } = tocsin ?? {};
  return backend === undefined ? scope : { ...scope, externalOwner: scope.externalOwnersAt?.get(backend) ?? null };
}

function treeJson(node: CompositeNode, leafText: (leaf: CompositeLeaf) => string): string {
  const listText = (members: CompositeNode[]): RawJson[] =>
    members.map((member) => new RawJson(treeJson(member, leafText)));
  if ('and' in node) return pythonJson({ and: listText(node.and) });
  if ('or' in node) return pythonJson({ or: listText(node.or) });
  return leafText(node);
}
