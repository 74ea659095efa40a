import { z } from 'zod';

import { SEVERITIES } from '../../alarm/alarm.js';
import { MATCHER_FIELDS, type AlarmMatcher } from '../../alarm/silence/matchers.js';
import {
  MAX_DURATION_S,
  neverOpens,
  refuseBadCron,
  refuseBadTimezone,
} from '../../alarm/time-constraint/time-constraint.js';
import { ALARM_KINDS } from '../../alarm/types/index.js';
import { given, optional, wireBool, wireEnum, wireInt, wireList, wireText } from '../../alarm/wire/wire-types.js';
import { wireTimestamp } from './timestamp.js';

const MAX_MATCHERS = 20;
const MAX_VALUE = 255;
const MAX_PROJECT = 128;
/** Each project gets an event in its stream, and a preview reads the alarms of one project after the other. */
const MAX_PROJECTS = 100;
const MAX_REASON = 1_024;
const MAX_OWNER = 255;

/** Fields with a fixed set of values. */
const VALUES: Partial<Record<AlarmMatcher['field'], readonly string[]>> = { type: ALARM_KINDS, severity: SEVERITIES };

const MatcherRequest = z
  .strictObject({ field: wireEnum(MATCHER_FIELDS), value: wireText({ max: MAX_VALUE }) })
  .superRefine(({ field, value }, context) => {
    const known = VALUES[field];
    if (value !== '' && (known === undefined || known.includes(value))) return;
    const message = known ? `Value should be one of: ${known.join(', ')}` : 'Value should not be empty';
    context.addIssue({ code: 'custom', path: ['value'], message, input: value });
  });

const RecurrenceRequest = z.strictObject({
  cron: wireText({ max: 100 })
    .superRefine(refuseBadCron)
    .refine((cron) => !neverOpens(cron), 'It never opens'),
  /** Seconds of each opening. */
  duration: wireInt({ min: 1, max: MAX_DURATION_S }),
  timezone: wireText({ max: 64 })
    .refine((timezone) => timezone !== '', 'Value should not be empty')
    .superRefine(refuseBadTimezone),
});

const notEmpty = (max: number): z.ZodType<string> =>
  wireText({ max }).refine((text) => text.trim() !== '', 'Value should not be empty');

/** The body of POST and PUT on silences, and of their preview. */
export const SilenceRequest = z
  .strictObject({
    matchers: wireList(MatcherRequest, { max: MAX_MATCHERS }).refine(
      (matchers) => matchers.length > 0,
      'Value should have at least 1 member',
    ),
    starts_at: wireTimestamp(),
    ends_at: wireTimestamp(),
    recurrence: given(RecurrenceRequest),
    reason: notEmpty(MAX_REASON),
    owner: notEmpty(MAX_OWNER),
    /** Admins may name other projects, and several. */
    project_ids: optional<string[] | null>(
      wireList(wireText({ max: MAX_PROJECT }), { max: MAX_PROJECTS }).refine(
        (projects) => projects.length > 0,
        'Value should have at least 1 member',
      ),
      null,
    ),
    all_projects: optional(wireBool(), false),
  })
  .superRefine(({ starts_at, ends_at, recurrence, project_ids, all_projects }, context) => {
    const refuse = (field: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [field], message });
    if (!ends_at && !recurrence) refuse('ends_at', 'Mandatory field missing.');
    if (starts_at && ends_at && ends_at <= starts_at) refuse('ends_at', 'It must be after starts_at.');
    if (all_projects && project_ids !== null) refuse('project_ids', 'It must be absent with all_projects.');
  });
export type SilenceRequest = z.infer<typeof SilenceRequest>;
