import { leavesOf } from '../../alarm/types/composite/tree.js';
import type { AlarmRule } from '../../alarm/types/index.js';
import type { PrometheusRule } from '../../alarm/types/prometheus/schema.js';
import { shownText } from '../../alarm/wire/wire-types.js';
import { AppError } from '../../errors.js';
import { withEnforcedLabel } from './promql/enforce.js';

export interface PrometheusRuleCheckOptions {
  /** How this Prometheus keeps projects apart. */
  tenancy: 'label' | 'header' | 'none';
  projectLabel: string;
  /** The name of that setting, for error messages. */
  setting: string;
  /** False without a Prometheus; alarms then wait for one. */
  isConfigured: boolean;
}

/**
 * Checks the PromQL of a rule before it is stored: it must be possible to limit it to its project. A query without a
 * project, which only admins may create, is sent as it is: some servers have a larger language than can be parsed here.
 * @throws AppError `forbidden` if nothing keeps projects apart and the rule is not an admin's own; `invalid_request`
 * for a query that cannot be limited.
 */
export function createPrometheusRuleCheck(
  options: PrometheusRuleCheckOptions,
): (rule: AlarmRule, author: { isAdmin: boolean }) => void {
  const { tenancy, setting, isConfigured } = options;
  return (rule, { isAdmin }) => {
    const rules = prometheusRulesIn(rule);
    const [first] = rules;
    if (first && tenancy === 'none' && !isAdmin) {
      throw new AppError(
        'forbidden',
        `Only admins may create prometheus rules, since ${setting} is none: nothing keeps projects apart`,
        { fieldIn: { part: first, path: [] } },
      );
    }
    if (tenancy === 'none' && rules.some(({ scope_to_project }) => scope_to_project !== null)) {
      throw new AppError(
        'forbidden',
        `Admins may create prometheus rules only for alarms of their own, since ` +
          `${setting} is none: nothing keeps projects apart`,
        { fieldIn: { part: first!, path: [] } },
      );
    }
    if (tenancy !== 'label' || !isConfigured) return;
    for (const each of rules) refuseUnconfinable(each, options);
  };
}

function refuseUnconfinable(rule: PrometheusRule, { projectLabel }: PrometheusRuleCheckOptions): void {
  const { query, scope_to_project: project } = rule;
  if (project === null) return;
  const confined = withEnforcedLabel(query, projectLabel, project);
  if ('promql' in confined) return;
  throw new AppError(
    'invalid_request',
    `Invalid input for field/attribute query. Value: '${shownText(query)}'. ${sentence(confined.problem)}`,
    { fieldIn: { part: rule, path: ['query'] } },
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The rules that use Prometheus: the rule itself, or leaves of a composite rule. */
export function prometheusRulesIn(rule: AlarmRule): PrometheusRule[] {
  return (rule.type === 'composite' ? leavesOf(rule.tree) : [rule]).filter((each) => each.type === 'prometheus');
}
