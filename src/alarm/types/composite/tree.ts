import { NO_OPTIONS, type EvaluationOptions } from '../../evaluation-options.js';
import type { AlarmType } from '../alarm-type.js';
import { gnocchiAggregationByMetricsThreshold } from '../gnocchi-aggregation-by-metrics-threshold/index.js';
import type { GnocchiAggregationByMetricsThresholdRule } from '../gnocchi-aggregation-by-metrics-threshold/schema.js';
import { gnocchiAggregationByResourcesThreshold } from '../gnocchi-aggregation-by-resources-threshold/index.js';
import type { GnocchiAggregationByResourcesThresholdRule } from '../gnocchi-aggregation-by-resources-threshold/schema.js';
import { gnocchiResourcesThreshold } from '../gnocchi-resources-threshold/index.js';
import type { GnocchiResourcesThresholdRule } from '../gnocchi-resources-threshold/schema.js';
import { prometheus } from '../prometheus/index.js';
import type { PrometheusRule } from '../prometheus/schema.js';
import type { ThresholdFindings } from '../threshold-judgement.js';

/** A rule within a composite one. Its keys are in the order of the request, followed by `type`. */
export type CompositeLeaf = (
  | GnocchiAggregationByMetricsThresholdRule
  | GnocchiAggregationByResourcesThresholdRule
  | GnocchiResourcesThresholdRule
  | PrometheusRule
) & {
  /** The options of this rule; absent if none is set. */
  tocsin?: EvaluationOptions;
};

/** Rules combined with `and` and `or`, or one rule by itself. */
export type CompositeNode = { and: CompositeNode[] } | { or: CompositeNode[] } | CompositeLeaf;

export type LeafKind = CompositeLeaf['type'];

/** In the order in which Aodh's error text lists them. */
const leafTypes = {
  gnocchi_aggregation_by_metrics_threshold: gnocchiAggregationByMetricsThreshold,
  gnocchi_aggregation_by_resources_threshold: gnocchiAggregationByResourcesThreshold,
  gnocchi_resources_threshold: gnocchiResourcesThreshold,
  prometheus,
} satisfies { [Kind in LeafKind]: AlarmType<Extract<CompositeLeaf, { type: Kind }>, ThresholdFindings> };

export const LEAF_KINDS = Object.keys(leafTypes) as LeafKind[];

/** The kind of a leaf, typed for any leaf: the table guarantees that kind and rule belong together. */
export function leafTypeOf({ type }: { type: LeafKind }): AlarmType<CompositeLeaf, ThresholdFindings> {
  return leafTypes[type];
}

/** The options of a rule within a composite one. */
export function optionsOf({ tocsin }: CompositeLeaf): EvaluationOptions {
  return tocsin ?? NO_OPTIONS;
}

/** The rules of a tree, from left to right. */
export function leavesOf(node: CompositeNode): CompositeLeaf[] {
  if ('and' in node) return node.and.flatMap(leavesOf);
  if ('or' in node) return node.or.flatMap(leavesOf);
  return [node];
}

/** The path of a leaf within its tree; undefined for an object that is none of its leaves. */
export function pathOfLeaf(node: CompositeNode, leaf: object): (string | number)[] | undefined {
  if (node === leaf) return [];
  const operator = 'and' in node ? 'and' : 'or' in node ? 'or' : undefined;
  if (operator === undefined) return undefined;
  const members = (node as Record<typeof operator, CompositeNode[]>)[operator];
  for (const [index, member] of members.entries()) {
    const path = pathOfLeaf(member, leaf);
    if (path) return [operator, index, ...path];
  }
  return undefined;
}

/** The same tree with each leaf replaced by the result of `change`. */
export function withLeaves(node: CompositeNode, change: (leaf: CompositeLeaf) => CompositeLeaf): CompositeNode {
  if ('and' in node) return { and: node.and.map((member) => withLeaves(member, change)) };
  if ('or' in node) return { or: node.or.map((member) => withLeaves(member, change)) };
  return change(node);
}
