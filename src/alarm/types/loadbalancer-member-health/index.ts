import { pythonJson } from '../../python-json.js';
import type { AlarmKindDefinition } from '../alarm-type.js';
import { noOptionAllowed } from '../threshold-judgement.js';
import { LoadbalancerMemberHealthRule } from './schema.js';

export const loadbalancerMemberHealth: AlarmKindDefinition<LoadbalancerMemberHealthRule> = {
  schema: LoadbalancerMemberHealthRule,
  judgedBy: 'series',
  ruleJson: ({ type: _, ...rule }) => pythonJson(rule),
  defaultDescription: () => 'loadbalancer_member_health alarm rule',
  members: () => [],
  scopedTo: (rule) => rule,
  backends: () => ['octavia'],
  seriesNeeded: ({ pool_id: poolId }) => [
    {
      datasource: 'octavia',
      backend: null,
      key: JSON.stringify(['octavia', poolId]),
      query: { poolId },
      granularityS: 0,
      periods: 1,
      lagS: 0,
    },
  ],
  optionProblem: (_, options) => noOptionAllowed(options, 'loadbalancer_member_health'),
};
