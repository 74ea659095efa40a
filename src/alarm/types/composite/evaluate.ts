import type { AlarmState } from '../../state.js';
import type { Evaluation, Reason, Verdict } from '../../decide.js';
import { RawJson } from '../../wire/python-json.js';
import type { JudgedAnswer } from '../../series.js';
import type { EvaluationInput } from '../alarm-type.js';
import { joinedSeries } from '../../deciding-series.js';
import { type ThresholdFindings } from '../threshold-judgement.js';
import { filledText, seriesBehind } from '../threshold-reason.js';
import { shownLeafJson } from './leaf-json.js';
import { leafTypeOf, optionsOf, type CompositeLeaf, type CompositeNode } from './tree.js';

/** The judged rules of a composite alarm. */
export interface CompositeFindings {
  tree: CompositeNode;
  /** The judged rules, in the order of the tree. Rules after the deciding one are not judged. */
  leaves: readonly JudgedLeaf[];
  /** Names of the rules whose backend is unavailable, if the verdict depends on them. */
  unanswered: readonly string[];
}

/** A judged rule within a composite one. */
export interface JudgedLeaf {
  /** `rule1`, `rule2` and so on, in the order of the tree. */
  name: string;
  rule: CompositeLeaf;
  evaluation: Evaluation<ThresholdFindings>;
  /** The state that it counts as. Undefined while it is a trend, and if its backend is unavailable. */
  state: AlarmState | undefined;
  /** Why its backend is unavailable, if the rule is unknown because of that. */
  outage?: string | undefined;
}

type NumberedGroup = { operator: 'and' | 'or'; members: readonly Numbered[] };
type Numbered = NumberedGroup | NumberedLeaf;

/** A rule of the tree with its name and its answer. */
interface NumberedLeaf {
  name: string;
  rule: CompositeLeaf;
  answer: JudgedAnswer;
  judged?: JudgedLeaf;
}

/** Decides as Aodh does: from left to right, judging no more rules than needed, and trends last. */
export function evaluateComposite(
  tree: CompositeNode,
  { answers, memberStates, state: present, now }: EvaluationInput,
): Evaluation<CompositeFindings> {
  const numberedLeaves: NumberedLeaf[] = [];
  const root = numbered(tree, answers, numberedLeaves);
  const judgeLeaf = (leaf: NumberedLeaf): JudgedLeaf => {
    const { name, rule, answer } = leaf;
    const input = { answers: [answer], memberStates, state: present, options: optionsOf(rule), now };
    const evaluate = (): Evaluation<ThresholdFindings> => leafTypeOf(rule).evaluate(rule, input);
    const outage = answer.kind === 'lasting outage' ? answer.reason : undefined;
    return (leaf.judged ??= judged({ name, rule, evaluation: evaluate(), outage }));
  };
  const found = (verdict: Verdict, unanswered: readonly NumberedLeaf[] = []): Evaluation<CompositeFindings> => {
    const leaves = numberedLeaves.flatMap(({ judged }) => judged ?? []);
    return { verdict, findings: { tree, leaves, unanswered: unanswered.map(({ name }) => name) } };
  };

  const early = stateOf(root, (leaf) => judgeLeaf(leaf).state);
  if (early !== undefined) return found(early);
  for (const leaf of numberedLeaves) leaf.judged = withState(judgeLeaf(leaf), present);
  const late = stateOf(root, (leaf) => judgeLeaf(leaf).state);
  if (late !== undefined) return found(late);
  const unanswered = numberedLeaves.filter((leaf) => judgeLeaf(leaf).evaluation.verdict === 'outage');
  const withAll = (state: AlarmState) => (leaf: NumberedLeaf) =>
    unanswered.includes(leaf) ? state : judgeLeaf(leaf).state;
  const isOpen = hasState(root, 'alarm', withAll('alarm')) || hasState(root, 'ok', withAll('ok'));
  return isOpen ? found('outage', unanswered) : found('insufficient data');
}

/** Numbers the rules of the tree. Each has one query. */
function numbered(node: CompositeNode, answers: readonly JudgedAnswer[], numberedLeaves: NumberedLeaf[]): Numbered {
  if ('and' in node)
    return { operator: 'and', members: node.and.map((member) => numbered(member, answers, numberedLeaves)) };
  if ('or' in node)
    return { operator: 'or', members: node.or.map((member) => numbered(member, answers, numberedLeaves)) };
  const leaf = { name: `rule${numberedLeaves.length + 1}`, rule: node, answer: answers[numberedLeaves.length]! };
  numberedLeaves.push(leaf);
  return leaf;
}

type StateOf = (leaf: NumberedLeaf) => AlarmState | undefined;

function stateOf(node: Numbered, leafState: StateOf): 'ok' | 'alarm' | undefined {
  if (hasState(node, 'alarm', leafState)) return 'alarm';
  return hasState(node, 'ok', leafState) ? 'ok' : undefined;
}

/** A group without members has neither state. */
function hasState(node: Numbered, state: 'ok' | 'alarm', leafState: StateOf): boolean {
  if (!('members' in node)) return leafState(node) === state;
  const { operator, members } = node;
  const takesAll = operator === (state === 'alarm' ? 'and' : 'or');
  return takesAll
    ? members.length > 0 && members.every((member) => hasState(member, state, leafState))
    : members.some((member) => hasState(member, state, leafState));
}

function judged({ name, rule, evaluation, outage }: Omit<JudgedLeaf, 'state'>): JudgedLeaf {
  const { verdict } = evaluation;
  const isState = verdict === 'ok' || verdict === 'alarm' || verdict === 'insufficient data';
  return { name, rule, evaluation, state: isState ? verdict : undefined, outage };
}

/**
 * Turns trends and holds into the state that they count as. If the alarm already has a state, Aodh inverts a trend, so
 * that the alarm would change at each evaluation; here it counts as the alarm's present state. A hold counts as that,
 * too: no state of a single rule is stored. Neither `and` nor `or` inverts a state, so the alarm keeps its state as far
 * as it depends on this rule. If the state is unknown, a trend counts as the state of its direction.
 */
function withState(leaf: JudgedLeaf, present: AlarmState): JudgedLeaf {
  const { verdict } = leaf.evaluation;
  if (leaf.state !== undefined || verdict === 'outage') return leaf;
  if (present !== 'insufficient data' || verdict === 'hold') return { ...leaf, state: present };
  return { ...leaf, state: verdict === 'trending alarm' ? 'alarm' : 'ok' };
}

const TAILS: Readonly<Record<AlarmState, string>> = {
  ok: 'inside their threshold.',
  alarm: 'outside their threshold.',
  'insufficient data': 'state evaluated to unknown.',
};

/**
 * Aodh's text and `reason_data`, followed by what Aodh does not have: unavailable backends, and missing datapoints that
 * were counted.
 */
export function explainComposite({ tree, leaves }: CompositeFindings, state: AlarmState, remaining: boolean): Reason {
  const expression = expressionOf(tree, { used: 0 });
  const causes = leaves.filter((leaf) => leaf.state === state);
  // Sorted as texts, as in Aodh: rule10 before rule2.
  const names = causes.map(({ name }) => name).sort();
  const verb = remaining ? 'remaining as' : 'transition to';
  const series = joinedSeries(causes.map(({ evaluation }) => seriesBehind(evaluation.findings, state)));
  const form = `Composite rule alarm with composition form: ${expression}`;
  return {
    reason: `${form} ${verb} ${state}, due to rules: ${names.join(', ')} ${TAILS[state]}${notesText(causes)}`,
    reasonData: {
      type: 'composite',
      composition_form: expression,
      causative_rules: Object.fromEntries(causes.map(({ name, rule }) => [name, new RawJson(shownLeafJson(rule))])),
    },
    ...(series && { series }),
  };
}

/** Empty if all backends were available and no missing datapoint was counted. */
function notesText(causes: readonly JudgedLeaf[]): string {
  const outages = causes.flatMap(({ outage }) => outage ?? []);
  const filled = causes.flatMap(({ name, evaluation }) => {
    const text = filledText(evaluation.findings);
    return text === undefined ? [] : `${name}: ${text}`;
  });
  const notes = new Set([...outages, ...filled]);
  return notes.size === 0 ? '' : ` (${[...notes].join('; ')})`;
}

function expressionOf(node: CompositeNode, numbers: { used: number }): string {
  const combined = (members: readonly CompositeNode[], operator: string): string =>
    `(${members.map((member) => expressionOf(member, numbers)).join(` ${operator} `)})`;
  if ('and' in node) return combined(node.and, 'and');
  if ('or' in node) return combined(node.or, 'or');
  return `rule${(numbers.used += 1)}`;
}
