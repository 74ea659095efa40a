import { pythonJson } from '../../wire/python-json.js';
import type { AlarmType } from '../alarm-type.js';
import { noOptionAllowed } from '../option-problems.js';
import { evaluateCombination, explainCombination, type CombinationFindings } from './evaluate.js';
import { CombinationRule } from './schema.js';

export const combination: AlarmType<CombinationRule, CombinationFindings> = {
  schema: CombinationRule,
  judgedBy: 'members',
  repeatsWhileUnknown: false,
  ruleJson: ({ type: _, ...rule }) => pythonJson(rule),
  defaultDescription: ({ operator, alarm_ids }) => `Combined state of alarms ${alarm_ids.join(` ${operator} `)}`,
  members: ({ alarm_ids }) => alarm_ids,
  scopedTo: (rule) => rule,
  backends: () => [],
  seriesNeeded: () => [],
  optionProblem: (_, options) => noOptionAllowed(options, 'combination'),
  evaluate: (rule, { memberStates }) => evaluateCombination(rule, memberStates),
  explain: explainCombination,
};
