import { leavesOf } from '../../alarm/types/composite/tree.js';
import type { AlarmRule } from '../../alarm/types/index.js';
import type { PrometheusRule } from '../../alarm/types/prometheus/schema.js';
import { shownText } from '../../alarm/wire/wire-types.js';
import { AppError } from '../../errors.js';

export interface PrometheusRuleCheckOptions {
  /** What keeps projects apart at this Prometheus. */
  tenancy: 'label' | 'header' | 'none';
  projectLabel: string;
  /** The setting that says so, as people know it. */
  setting: string;
  /** Whether there is a Prometheus at all; without one, alarms wait. */
  isConfigured: boolean;
  /** The query with a condition on a label in every selector, or why that cannot be. */
  enforceLabel: (promql: string, label: string, value: string) => { promql: string } | { problem: string };
}

/**
 * Looks at the PromQL of a rule before it is stored: can it be kept within its author's project. What looks at
 * everybody's data, which only admins may make, is sent as it is: Prometheus has relatives whose language is larger
 * than what we can parse.
 * @throws AppError `forbidden` where nothing keeps projects apart and the rule is not an admin's own, `invalid_request`
 * for a query that cannot be confined.
 */
export function createPrometheusRuleCheck(
  options: PrometheusRuleCheckOptions,
): (rule: AlarmRule, author: { isAdmin: boolean }) => void {
  const { tenancy, setting, isConfigured } = options;
  return (rule, { isAdmin }) => {
    const rules = prometheusRulesIn(rule);
    if (rules.length > 0 && tenancy === 'none' && !isAdmin) {
      throw new AppError(
        'forbidden',
        `Only admins may create prometheus rules, since ${setting} is none: nothing keeps projects apart`,
      );
    }
    if (tenancy === 'none' && rules.some(({ scope_to_project }) => scope_to_project !== null)) {
      throw new AppError(
        'forbidden',
        `Admins may create prometheus rules only for alarms of their own, since ` +
          `${setting} is none: nothing keeps projects apart`,
      );
    }
    if (tenancy !== 'label' || !isConfigured) return;
    for (const each of rules) refuseUnconfinable(each, options);
  };
}

function refuseUnconfinable(
  { query, scope_to_project: project }: PrometheusRule,
  { projectLabel, enforceLabel }: PrometheusRuleCheckOptions,
): void {
  if (project === null) return;
  const confined = enforceLabel(query, projectLabel, project);
  if ('promql' in confined) return;
  throw new AppError(
    'invalid_request',
    `Invalid input for field/attribute query. Value: '${shownText(query)}'. ${sentence(confined.problem)}`,
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The rule itself, or the leaves of a composite rule, as far as they use Prometheus. */
export function prometheusRulesIn(rule: AlarmRule): PrometheusRule[] {
  return (rule.type === 'composite' ? leavesOf(rule.tree) : [rule]).filter((each) => each.type === 'prometheus');
}
