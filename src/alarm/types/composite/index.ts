import { pythonJson, RawJson } from '../../python-json.js';
import type { AlarmType } from '../alarm-type.js';
import { noOptionAllowed } from '../threshold-judgement.js';
import { evaluateComposite, explainComposite, type CompositeFindings } from './evaluate.js';
import { leafJson, shownLeafJson } from './leaf-json.js';
import { CompositeRule } from './schema.js';
import { leafTypeOf, leavesOf, withLeaves, type CompositeLeaf, type CompositeNode } from './tree.js';

export const composite: AlarmType<CompositeRule, CompositeFindings> = {
  schema: CompositeRule,
  judgedBy: 'series',
  repeatsWhileUnknown: false,
  ruleJson: ({ tree }) => treeJson(tree, leafJson),
  shownJson: ({ tree }) => treeJson(tree, shownLeafJson),
  // As in Aodh, which keeps the project in rules on Prometheus alone.
  historyJson: ({ tree }) => treeJson(tree, (leaf) => (leaf.type === 'prometheus' ? leafJson(leaf) : shownLeafJson(leaf))),
  fromStored: (stored) => ({ type: 'composite', tree: stored as CompositeNode }),
  defaultDescription: () => 'composite alarm rule',
  members: () => [],
  scopedTo: ({ type, tree }, scope) => ({ type, tree: withLeaves(tree, (leaf) => leafTypeOf(leaf).scopedTo(leaf, scope)) }),
  backends: ({ tree }) => [...new Set(leavesOf(tree).flatMap((leaf) => leafTypeOf(leaf).backends(leaf)))],
  seriesNeeded: ({ tree }, options) => leavesOf(tree).flatMap((leaf) => leafTypeOf(leaf).seriesNeeded(leaf, options)),
  // As its key is its first question's.
  family: ({ tree }, options) => {
    const [first] = leavesOf(tree);
    return first && leafTypeOf(first).family?.(first, options);
  },
  optionProblem: (_, options) => noOptionAllowed(options, 'composite'),
  evaluate: ({ tree }, input) => evaluateComposite(tree, input),
  explain: explainComposite,
};

function treeJson(node: CompositeNode, leafText: (leaf: CompositeLeaf) => string): string {
  const listText = (members: CompositeNode[]): RawJson[] => members.map((member) => new RawJson(treeJson(member, leafText)));
  if ('and' in node) return pythonJson({ and: listText(node.and) });
  if ('or' in node) return pythonJson({ or: listText(node.or) });
  return leafText(node);
}
