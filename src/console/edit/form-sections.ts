import type { FieldPath } from './draft.js';
import { isFlatRule, type FormField, type RuleForm } from './form-fields.js';

/** A field with its place in the draft. */
export interface PlacedField {
  field: FormField;
  path: FieldPath;
}

/** A part of the form. */
export interface FormSection {
  title: string;
  fields: PlacedField[];
  folded: PlacedField[];
  /** What the folded fields are about. */
  foldTitle: string;
}

/** Order of the fields of a rule: data, comparison, times. Other fields follow, mandatory ones first. */
const RULE_ORDER = [
  ...['meter_name', 'metric', 'metrics', 'resource_type', 'resource_id', 'event_type', 'query', 'alarm_ids'],
  ...['statistic', 'aggregation_method', 'comparison_operator', 'threshold'],
  ...['period', 'granularity', 'evaluation_periods', 'operator'],
];
const FIRST = ['name', 'severity'];
const ACTIONS = ['alarm_actions', 'ok_actions', 'insufficient_data_actions', 'repeat_actions'];
const TIMES = ['time_constraints'];
/** Fields of `tocsin` about the evaluation. The others are about notifications. */
const OPTIONS = ['clear_threshold', 'datapoints_to_alarm', 'treat_missing_data', 'ingestion_lag', 'backend'];
/** Title of the options of a rule within a composite one. */
export const OPTIONS_TITLE = 'More of this rule';
/** Only admins may set these. */
const OF_ADMINS = ['project_id', 'user_id'];

/** All fields of an alarm of this type, in the sections of its form. */
export function sectionsOf(fields: readonly FormField[], rule: RuleForm, isAdmin: boolean): FormSection[] {
  const ruleName = `${rule.type}_rule`;
  const atTop = fields.filter(({ name }) => name !== 'type' && name !== 'tocsin' && !name.endsWith('_rule'));
  const tocsin = fields.find(({ name }) => name === 'tocsin')?.shape;
  const options = (tocsin?.kind === 'object' ? tocsin.fields : []).map((field) => placed(field, ['tocsin']));
  const top = (names: readonly string[]): PlacedField[] =>
    inOrder(atTop, names)
      .filter(({ name }) => names.includes(name))
      .map((field) => placed(field, []));
  const others = atTop
    .filter(({ name }) => ![...FIRST, ...ACTIONS, ...TIMES].includes(name) && (isAdmin || !OF_ADMINS.includes(name)))
    .map((field) => placed(field, []));
  const ofRule = inOrder(rule.fields, RULE_ORDER).map((field) =>
    placed(field, isFlatRule(rule.type, rule) ? [ruleName] : []),
  );
  const isShown = ({ field }: PlacedField): boolean => field.isRequired || RULE_ORDER.includes(field.name);
  const isOption = ({ field }: PlacedField): boolean => OPTIONS.includes(field.name);
  return [
    { title: 'Alarm', fields: top(FIRST), folded: others, foldTitle: 'More of the alarm' },
    {
      title: rule.title,
      fields: ofRule.filter(isShown),
      folded: [...ofRule.filter((each) => !isShown(each)), ...inPlace(options.filter(isOption))],
      foldTitle: 'More of the rule',
    },
    {
      title: 'Actions',
      fields: top(ACTIONS),
      folded: options.filter((each) => !isOption(each)),
      foldTitle: 'Delivery',
    },
    { title: 'When', fields: top(TIMES), folded: [], foldTitle: '' },
  ];
}

/** The fields of a rule within a composite one. */
export function leafSections({ fields }: RuleForm, path: FieldPath): FormSection {
  const ordered = inOrder(fields, RULE_ORDER);
  const isShown = ({ name, isRequired }: FormField): boolean => isRequired || RULE_ORDER.includes(name);
  const place = (field: FormField): PlacedField => placed(field, path);
  return {
    title: '',
    fields: ordered.filter(isShown).map(place),
    folded: ordered.filter((field) => !isShown(field)).map(place),
    foldTitle: OPTIONS_TITLE,
  };
}

function placed(field: FormField, within: FieldPath): PlacedField {
  return { field, path: [...within, field.name] };
}

function inPlace(options: readonly PlacedField[]): PlacedField[] {
  return options.toSorted((a, b) => OPTIONS.indexOf(a.field.name) - OPTIONS.indexOf(b.field.name));
}

function inOrder(fields: readonly FormField[], names: readonly string[]): FormField[] {
  const rank = ({ name, isRequired }: FormField): number => {
    const at = names.indexOf(name);
    return at >= 0 ? at : names.length + (isRequired ? 0 : 1);
  };
  return fields.toSorted((a, b) => rank(a) - rank(b));
}
