import { NO_OPTIONS, type EvaluationOptions } from '../../evaluation-options.js';
import { leafTypeOf, leavesOf, withLeaves, type CompositeLeaf, type CompositeNode } from './tree.js';

/** A rule whose options cannot be kept in the new tree. */
export interface LeafMisfit {
  /** As in reasons: `rule1`, `rule2` and so on. */
  name: string;
  message: string;
}

/** True if a rule within has options. */
export function hasOptions(tree: CompositeNode): boolean {
  return leavesOf(tree).some(({ tocsin }) => tocsin !== undefined);
}

/**
 * Adds the options of a former tree to a tree without options. Each goes to the rule at the same place, if that has the
 * same query as far as this project can see. The condition may differ, if the options fit it.
 */
export function withOptionsOf(
  owner: CompositeNode,
  tree: CompositeNode,
  projectId: string | null,
): { tree: CompositeNode } | LeafMisfit {
  const leaves = leavesOf(tree);
  const kept = new Map<CompositeLeaf, CompositeLeaf>();
  for (const [index, former] of leavesOf(owner).entries()) {
    const { tocsin } = former;
    if (tocsin === undefined) continue;
    const name = `rule${index + 1}`;
    const leaf = leaves[index];
    if (leaf === undefined || questionOf(leaf, projectId) !== questionOf(former, projectId))
      return { name, message: 'asks something else now' };
    const problem = leafTypeOf(leaf).optionProblem(leaf, tocsin);
    if (problem) return { name, message: `does not fit any more: its ${problem.option} ${problem.message}` };
    kept.set(leaf, withOptions(leaf, tocsin, Object.keys(former).indexOf('tocsin')));
  }
  return { tree: withLeaves(tree, (leaf) => kept.get(leaf) ?? leaf) };
}

/** The key of the query, independent of the backend and of the owner of shared resources. */
function questionOf(leaf: CompositeLeaf, projectId: string | null): string | undefined {
  const kind = leafTypeOf(leaf);
  return kind.seriesNeeded(kind.scopedTo(leaf, { projectId }), NO_OPTIONS)[0]?.key;
}

/** Inserts the options at their former place among the keys, so that the text of an unchanged rule stays the same. */
function withOptions(leaf: CompositeLeaf, tocsin: EvaluationOptions, place: number): CompositeLeaf {
  const { type, ...fields } = leaf;
  const entries = Object.entries(fields);
  entries.splice(place, 0, ['tocsin', tocsin]);
  return { ...Object.fromEntries(entries), type } as CompositeLeaf;
}
