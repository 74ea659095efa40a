import type { ChosenEnd } from '../elements/end-choice.js';
import { enteredEnd, endTime } from '../elements/end-choice.js';
import { missingText } from '../elements/mandatory.js';
import { ownerName, type ShownMatcher, type ShownSilence, type SilenceBody } from '../elements/silence-words.js';
import { localText, timeOf, utcOf } from '../elements/time.js';
import { isEqual } from '../requests/json-equal.js';
import type { RefusedField } from '../requests/refused-field.js';
import type { PageUser } from '../requests/page-user.js';

/** A silence in the form. Times are local, in the text of their inputs; empty: none. */
export interface SilenceDraft {
  matchers: ShownMatcher[];
  recurs: boolean;
  startsAt: string;
  end: ChosenEnd;
  cron: string;
  minutes: string;
  timezone: string;
  lastDay: string;
  reason: string;
  owner: string;
  projects: DraftProject[];
  allProjects: boolean;
}

/** A row of the list of projects. */
export interface DraftProject {
  /** Empty: alarms that belong to no project. */
  id: string;
  /** True if the user has added the row. */
  isAdded: boolean;
}

const SECONDS_OF_MINUTE = 60;

/** The draft of a new silence. */
export function newSilence(user: PageUser): SilenceDraft {
  return {
    matchers: [{ field: 'name', value: '' }],
    recurs: false,
    startsAt: '',
    end: { kind: '1h' },
    cron: '0 2 * * *',
    minutes: '90',
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    lastDay: '',
    reason: '',
    owner: ownerName(user),
    projects: [{ id: user.project_id ?? '', isAdded: false }],
    allProjects: false,
  };
}

/** The draft of a change. */
export function changeDraft(silence: ShownSilence, user: PageUser): SilenceDraft {
  const { starts_at, ends_at, recurrence } = silence;
  const end = ends_at === null ? '' : localText(timeOf(ends_at));
  return {
    ...broughtBack(silence, user),
    startsAt: localText(timeOf(starts_at)),
    end: { kind: 'other', local: end },
    lastDay: recurrence ? end : '',
  };
}

/** The draft that brings back an ended silence. Its end is empty, so the user must enter a new one. */
export function broughtBack(silence: ShownSilence, user: PageUser): SilenceDraft {
  const { matchers, recurrence, reason, owner, project_ids, all_projects } = silence;
  const draft = newSilence(user);
  return {
    ...draft,
    matchers: [...matchers],
    recurs: recurrence !== null,
    end: { kind: 'other', local: '' },
    cron: recurrence?.cron ?? draft.cron,
    minutes: recurrence ? String(recurrence.duration / SECONDS_OF_MINUTE) : draft.minutes,
    timezone: recurrence?.timezone ?? draft.timezone,
    reason,
    owner,
    projects: project_ids?.map((id) => ({ id, isAdded: false })) ?? draft.projects,
    allProjects: all_projects,
  };
}

/** The first mandatory field without a value, in the order of the form; undefined if the draft can be sent. */
export function missingIn({
  matchers,
  recurs,
  end,
  cron,
  minutes,
  timezone,
  reason,
  owner,
}: SilenceDraft): RefusedField | undefined {
  const times = recurs
    ? (missingText('cron', cron) ?? missingText('duration', minutes) ?? missingText('timezone', timezone))
    : missingText('ends_at', end.kind === 'other' ? end.local : end.kind);
  const emptyMatcher = matchers.findIndex(({ value }) => value.trim() === '');
  const matcher = emptyMatcher === -1 ? undefined : missingText('value', undefined, emptyMatcher);
  return matcher ?? times ?? missingText('reason', reason) ?? missingText('owner', owner);
}

/**
 * The body of a request. `isSent` is false for a preview, which leaves out an end that counts from now. `changed`: the
 * silence that is replaced. Its times are sent back as they are, unless the user has changed them.
 */
export function bodyOfDraft(
  draft: SilenceDraft,
  { user, isSent, changed }: { user: PageUser; isSent: boolean; changed: ShownSilence | undefined },
): SilenceBody {
  const end = draft.recurs ? utcOf(draft.lastDay) : isSent ? endTime(draft.end) : enteredEnd(draft.end);
  const start = utcOf(draft.startsAt);
  return {
    matchers: draft.matchers,
    starts_at: unlessSame(start, changed?.starts_at) ?? null,
    ends_at: unlessSame(end, changed?.ends_at) ?? null,
    recurrence: draft.recurs
      ? { cron: draft.cron, duration: Math.round(Number(draft.minutes) * SECONDS_OF_MINUTE), timezone: draft.timezone }
      : null,
    reason: draft.reason,
    owner: draft.owner,
    ...(user.hasAllProjects ? (changed ? keptProjects(changed) : projectsOf(draft)) : {}),
  };
}

type NamedProjects = Pick<SilenceBody, 'project_ids' | 'all_projects'>;

function keptProjects({ project_ids, all_projects }: ShownSilence): NamedProjects {
  return { project_ids, all_projects };
}

function projectsOf({ allProjects, projects }: SilenceDraft): NamedProjects {
  if (allProjects) return { all_projects: true };
  return { project_ids: sentRows(projects).map((row) => projects[row]?.id ?? '') };
}

/** Positions of the rows that are sent: those that the user has added and left empty are not. At least one is sent. */
export function sentRows(projects: readonly DraftProject[]): number[] {
  const rows = projects.flatMap(({ id, isAdded }, row) => (isAdded && id === '' ? [] : [row]));
  return rows.length === 0 ? [0] : rows;
}

/** Inputs have no fractions of seconds. A time that is the same without them is returned as it was. */
function unlessSame(time: string | undefined, before: string | null | undefined): string | undefined {
  if (time === undefined || before === null || before === undefined) return time;
  return time.slice(0, 19) === before.slice(0, 19) ? before : time;
}

/** The parts of a draft, as the form names them. */
const PARTS: Readonly<Record<keyof SilenceDraft, string>> = {
  matchers: 'matchers',
  projects: 'projects',
  allProjects: 'projects',
  recurs: 'times',
  startsAt: 'times',
  end: 'times',
  cron: 'times',
  minutes: 'times',
  timezone: 'times',
  lastDay: 'times',
  reason: 'reason',
  owner: 'owner',
};

function changedFields(one: SilenceDraft, other: SilenceDraft): (keyof SilenceDraft)[] {
  return (Object.keys(PARTS) as (keyof SilenceDraft)[]).filter((field) => !isEqual(one[field], other[field]));
}

/** The names of the parts that differ. */
export function changedParts(one: SilenceDraft, other: SilenceDraft): string[] {
  return [...new Set(changedFields(one, other).map((field) => PARTS[field]))];
}

/** The stored silence with what the user has changed. Times are one part: a start and an end belong together. */
export function withMine(
  { draft, base }: { draft: SilenceDraft; base: SilenceDraft },
  present: SilenceDraft,
): SilenceDraft {
  const mine = changedParts(base, draft);
  const entries = Object.entries(present).map(
    ([field, value]) =>
      [field, mine.includes(PARTS[field as keyof SilenceDraft]) ? draft[field as keyof SilenceDraft] : value] as const,
  );
  return Object.fromEntries(entries) as unknown as SilenceDraft;
}
