import { NO_OPTIONS, type EvaluationOptions } from '../../evaluation-options.js';
import { leafTypeOf, leavesOf, withLeaves, type CompositeLeaf, type CompositeNode } from './tree.js';

/** A rule within a composite one whose options have no place in another tree. */
export interface LeafMisfit {
  /** As in reasons: `rule1`, `rule2` and so on. */
  name: string;
  message: string;
}

/** Whether any rule within says how it is to be evaluated. */
export function hasOptions(tree: CompositeNode): boolean {
  return leavesOf(tree).some(({ tocsin }) => tocsin !== undefined);
}

/**
 * A tree without options, with those that the rules of another have: each goes to the rule at the same place, if that
 * asks the same as far as this project can see. With what its answer is compared may differ, as long as the options
 * fit.
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

/** Whichever backend is asked, and whoever owns everybody's resources there. */
function questionOf(leaf: CompositeLeaf, projectId: string | null): string | undefined {
  const kind = leafTypeOf(leaf);
  return kind.seriesNeeded(kind.scopedTo(leaf, { projectId }), NO_OPTIONS)[0]?.key;
}

/** In their place among the keys, so that a rule that did not change stays the same text. */
function withOptions(leaf: CompositeLeaf, tocsin: EvaluationOptions, place: number): CompositeLeaf {
  const { type, ...fields } = leaf;
  const entries = Object.entries(fields);
  entries.splice(place, 0, ['tocsin', tocsin]);
  return { ...Object.fromEntries(entries), type } as CompositeLeaf;
}
