import { pythonJson } from '../../python-json.js';
import type { AlarmKindDefinition } from '../alarm-type.js';
import { LoadbalancerMemberHealthRule } from './schema.js';

export const loadbalancerMemberHealth: AlarmKindDefinition<LoadbalancerMemberHealthRule> = {
  schema: LoadbalancerMemberHealthRule,
  judgedBy: 'series',
  ruleJson: ({ type: _, ...rule }) => pythonJson(rule),
  defaultDescription: () => 'loadbalancer_member_health alarm rule',
  members: () => [],
  scopedTo: (rule) => rule,
  backends: () => ['octavia'],
  seriesNeeded: () => undefined,
};
