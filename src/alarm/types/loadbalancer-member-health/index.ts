import { pythonJson } from '../../wire/python-json.js';
import type { AlarmType } from '../alarm-type.js';
import { NO_SUCH_PROJECT } from '../gnocchi-threshold.js';
import { noOptionAllowed } from '../option-problems.js';
import { evaluateMemberHealth, explainMemberHealth, type MemberHealthFindings } from './evaluate.js';
import { LoadbalancerMemberHealthRule } from './schema.js';

export const loadbalancerMemberHealth: AlarmType<LoadbalancerMemberHealthRule, MemberHealthFindings> = {
  schema: LoadbalancerMemberHealthRule,
  judgedBy: 'series',
  repeatsWhileUnknown: true,
  ruleJson: ({ type: _, ...rule }) => pythonJson(rule),
  shownJson: ({ type: _, scope_to_project: __, ...rule }) => pythonJson(rule),
  defaultDescription: () => 'loadbalancer_member_health alarm rule',
  members: () => [],
  scopedTo: (rule, { projectId }) => ({ ...rule, scope_to_project: projectId }),
  backends: () => ['octavia'],
  seriesNeeded: ({ pool_id: poolId, scope_to_project: project = NO_SUCH_PROJECT }) => [
    {
      datasource: 'octavia',
      backend: null,
      key: JSON.stringify(['octavia', poolId, project]),
      query: { poolId, project },
      granularityS: 0,
      periods: 1,
      lagS: 0,
    },
  ],
  optionProblem: (_, options) => noOptionAllowed(options, 'loadbalancer_member_health'),
  evaluate: (rule, { answers, now }) => evaluateMemberHealth(rule, answers[0]!, now),
  explain: explainMemberHealth,
};
