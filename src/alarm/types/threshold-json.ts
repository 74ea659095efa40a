import { PythonFloat, pythonJson } from '../wire/python-json.js';

interface WithThreshold {
  type: string;
  threshold: number;
  scope_to_project?: string | null | undefined;
}

/** The stored text of a rule that compares with a threshold: without `type`. A whole threshold is a float, too. */
export function storedThresholdJson<Rule extends WithThreshold>({ type: _, ...rule }: Rule): string {
  return pythonJson({ ...rule, threshold: new PythonFloat(rule.threshold) });
}

/** The text that clients see: also without the project that the server set. */
export function shownThresholdJson<Rule extends WithThreshold>({ scope_to_project: _, ...rule }: Rule): string {
  return storedThresholdJson(rule);
}
