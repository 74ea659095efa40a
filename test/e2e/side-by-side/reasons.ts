import type { Comparable } from './sides.js';

/** Why answers differ, and what holds of them even so. */
interface Difference {
  why: string;
  allows: (aodh: Comparable, tocsin: Comparable) => boolean;
}

const CREATED = [200, 201];
const KINDS_OF_OURS = /\b(?:combination|prometheus|threshold)(?:_rule)?\b/;

function faultOf({ body }: Comparable): string {
  const { error_message: fault } = JSON.parse(body) as { error_message: string | { faultstring: string } };
  return typeof fault === 'string' ? fault : fault.faultstring;
}

const scopes = ({ body }: Comparable): number => body.split('created_by_project_id').length - 1;

const statuses = (aodh: readonly number[], tocsin: readonly number[]) => (there: Comparable, here: Comparable) =>
  aodh.includes(there.status) && tocsin.includes(here.status);

/** The message without the field and its value. dateutil forgets to fill in the text at fault. */
const problem = (fault: string): string =>
  (/^Invalid input for field\/attribute \w+\. Value: '.*'\. (.*)$/s.exec(fault)?.[1] ?? fault).replace(
    /(Unknown string format: ).*/,
    '$1',
  );

/**
 * Every difference from Aodh 15.0.0 that is meant: those of `docs/compatibility.md`, and at the end those of an older
 * release.
 */
export const REASONS = {
  namesField: {
    why: 'Aodh names the argument and prints the whole body, Tocsin names the field and prints its value',
    allows: (aodh, tocsin) =>
      aodh.status === 400 && tocsin.status === 400 && problem(faultOf(aodh)) === problem(faultOf(tocsin)),
  },
  serverError: { why: 'Aodh fails on a body or parameter that Tocsin refuses', allows: statuses([500], [400]) },
  nullIsDefault: {
    why: 'null for an optional field is the default',
    allows: statuses([...CREATED, 400, 500], CREATED),
  },
  nullIsNoValue: {
    why: 'null for a mandatory field is refused, whatever its type',
    allows: (aodh, tocsin) =>
      statuses([201, 400], [400])(aodh, tocsin) && faultOf(tocsin).endsWith('Mandatory field missing.'),
  },
  stricter: {
    why: 'Aodh stores what breaks its clients or its evaluation: NaN, numbers for text',
    allows: statuses([201], [400]),
  },
  jsonOnly: { why: 'Tocsin speaks only JSON, whatever is asked', allows: statuses([200, 400, 406], [200, 415]) },
  envelope: {
    why: 'Tocsin puts the text of a routing error into the same object as every other',
    allows: (aodh, tocsin) => aodh.status === tocsin.status && faultOf(aodh) === faultOf(tocsin),
  },
  schemaTexts: {
    why: 'what is wrong with a complex query is said in a sentence, not with the schema that it breaks',
    allows: (aodh, tocsin) =>
      statuses([400], [400])(aodh, tocsin) && faultOf(aodh).split(': ')[0] === faultOf(tocsin).split(': ')[0],
  },
  booleans: { why: 'enabled=true is a boolean', allows: statuses([200], [200]) },
  severities: { why: 'Aodh sorts by severity on MySQL only', allows: statuses([501], [200]) },
  eventTypes: { why: 'an event query item may have no type, or datetime', allows: statuses([400], [201]) },
  historyStays: { why: 'history outlives its alarm', allows: statuses([404], [200]) },
  quotaReading: {
    why: 'reading a quota does not make one of -1, which forbids everything',
    allows: statuses([403], [201]),
  },
  wrappedOnce: {
    why: 'the search of a rule by resources is confined to the project once, not by every PUT again',
    allows: (aodh, tocsin) => statuses([200], [200])(aodh, tocsin) && scopes(aodh) === 2 && scopes(tocsin) === 1,
  },
  neverOpens: {
    why: 'the reason of an alarm whose time constraints never open says so',
    allows: (aodh, tocsin) =>
      statuses([201], [201])(aodh, tocsin) &&
      aodh.body.replace('"Not evaluated yet"', '"time constraint c never opens"') === tocsin.body,
  },
  quotaRead: { why: 'the quotas of a project can be read by its path', allows: statuses([405], [200]) },
  moreKinds: {
    why: 'Tocsin has the kinds of older and of newer releases, too',
    allows: (aodh, tocsin) => statuses([400], [400])(aodh, tocsin) && KINDS_OF_OURS.test(faultOf(tocsin)),
  },
  newer: {
    why: '15.0.0 has no upper bounds for numbers yet, and it lets any role of a project read and write in it',
    allows: (aodh, tocsin) =>
      statuses([201], [400])(aodh, tocsin) || statuses([200, 201, 204, 401], [403])(aodh, tocsin),
  },
  accident: { why: "Aodh tells of Python's comparison of a text with a number", allows: statuses([400], [400]) },
} as const satisfies Record<string, Difference>;

export type Reason = keyof typeof REASONS;
