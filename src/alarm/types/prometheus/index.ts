import { PythonFloat, pythonJson } from '../../python-json.js';
import type { AlarmKindDefinition } from '../alarm-type.js';
import { PrometheusRule } from './schema.js';

export const prometheus: AlarmKindDefinition<PrometheusRule> = {
  schema: PrometheusRule,
  judgedBy: 'series',
  ruleJson: ({ type: _, ...rule }) => pythonJson({ ...rule, threshold: new PythonFloat(rule.threshold) }),
  shownJson: ({ type: _, scope_to_project: __, ...rule }) => pythonJson({ ...rule, threshold: new PythonFloat(rule.threshold) }),
  defaultDescription: () => 'prometheus alarm rule',
  members: () => [],
  scopedTo: (rule, { projectId }) => ({ ...rule, scope_to_project: projectId }),
  backends: () => ['prometheus'],
  seriesNeeded: () => undefined,
};
