import { toError } from '../errors.js';
import type { Layer } from './layer.js';
import { OPTIONS, type Option } from './options.js';
import { valueFromText } from './text-value.js';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Variables with the prefix that are not options: those of the command line, scripts and tests, and those that
 * Kubernetes sets in every container beside a service named tocsin.
 */
const OTHER_VARIABLES = /^TOCSIN_(CONFIG|NO_INSTALL|URL|TOKEN|API_KEY|TEST_.*|SERVICE_.*|PORT|PORT_\d.*)$/;
const FILE_SUFFIX = '_FILE';

/**
 * Reads options from variables `TOCSIN_<SECTION>_<KEY>`; for secrets also from a file that `…_FILE` names. An empty
 * variable counts as not set.
 */
export function fromEnvironment(environment: Environment, read: (path: string) => string): Layer {
  const layer: Layer = { values: new Map(), problems: [] };
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('TOCSIN_') || OTHER_VARIABLES.test(variable)) continue;
    const option = optionOf(variable);
    if (!option) layer.problems.push({ message: 'unknown variable', name: variable });
    else if (text !== undefined && text !== '') take(layer, option, variable, text, read);
  }
  return layer;
}

function optionOf(variable: string): Option | undefined {
  return OPTIONS.find(
    (option) =>
      variable === option.variable || (option.kind === 'secret' && variable === option.variable + FILE_SUFFIX),
  );
}

// eslint-disable-next-line max-params -- one step of the loop above, with its locals
function take(layer: Layer, option: Option, variable: string, text: string, read: (path: string) => string): void {
  if (layer.values.has(option.name)) {
    layer.problems.push({
      name: option.name,
      message: `set both by ${option.variable} and by ${option.variable}${FILE_SUFFIX}`,
    });
    return;
  }
  if (variable === option.variable) {
    layer.values.set(option.name, { value: valueFromText(option.kind, text), origin: variable });
    return;
  }
  try {
    layer.values.set(option.name, { value: read(text).trim(), origin: variable });
  } catch (cause) {
    layer.problems.push({
      name: option.name,
      message: `cannot read the file: ${toError(cause).message}`,
      origin: variable,
    });
  }
}
