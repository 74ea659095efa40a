import { createContext, type JSX } from 'preact';
import { useContext } from 'preact/hooks';

import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useLive } from '../requests/live.js';
import { pageUserKey, usePageUser } from '../requests/page-user.js';
import { useAnswer, type Answer } from '../requests/use-answer.js';
import type { HoldReason } from './delivery-words.js';
import { Time, timeOf } from './time.js';

/** The project id in requests that stands for all projects. */
export const ALL_PROJECTS = '*';

/** A pause of deliveries, or, with `until`, the limit of a project in the present hour. */
export type ShownPause = Schemas['DeliveryPause'];

/** How pauses hold notifications at present. */
export interface Hold {
  /** True if only those of some projects are held. */
  isPartial: boolean;
  /** When the last pause ends; null if a user must end it. */
  endsAt: string | null;
}

/** The pauses and limits that the user sees, kept up to date. */
export function usePauses(): Answer<readonly ShownPause[]> {
  const answer = useAnswer(pageUserKey(usePageUser()), (signal) =>
    bodyOf(client.GET('/v1/delivery-pauses', { signal })),
  );
  useLive({ events: ['pause'] }, answer.again);
  return answer;
}

/** How pauses hold the notifications of a project, or of all projects if it is undefined; undefined if they do not. */
export function holdOf(pauses: readonly ShownPause[], project: string | null | undefined): Hold | undefined {
  const holding = pauses.filter(
    ({ until, project_id: id }) => until === null && (id === ALL_PROJECTS || project === undefined || id === project),
  );
  if (holding.length === 0) return undefined;
  return {
    isPartial: project === undefined && holding.every(({ project_id }) => project_id !== ALL_PROJECTS),
    endsAt: lastOf(holding.map(({ ends_at }) => ends_at)),
  };
}

/** How pauses hold the notifications of these projects; undefined if they do not. */
export function holdOfProjects(pauses: readonly ShownPause[], projects: readonly string[]): Hold | undefined {
  const holds = projects.flatMap((project) => holdOf(pauses, project) ?? []);
  if (holds.length === 0) return undefined;
  return { isPartial: holds.length < projects.length, endsAt: lastOf(holds.map(({ endsAt }) => endsAt)) };
}

/** The last of these ends; null if there is a pause that a user must end. */
function lastOf(ends: readonly (string | null)[]): string | null {
  const times = ends.flatMap((end) => end ?? []);
  if (times.length < ends.length) return null;
  return times.toSorted((one, other) => timeOf(one).getTime() - timeOf(other).getTime()).at(-1) ?? null;
}

/** The project whose notifications a user acts on; undefined for all. Only admins of all projects may name another. */
export function useActedProject(named: string | null | undefined): string | null | undefined {
  const { hasAllProjects, project_id: own } = usePageUser();
  return hasAllProjects ? named : own;
}

/** The pauses that notifications of a list are shown with. Provided by the element that shows the list. */
export const PausesContext = createContext<readonly ShownPause[]>([]);

/** What decides whether a notification is held. */
export type HoldSubject = Pick<Schemas['Notification'], 'status' | 'kind' | 'attempts' | 'project_id'>;

/** Why a notification waits, and until when; null if a user must end it. */
export interface NotificationHold {
  reason: HoldReason;
  endsAt: string | null;
}

/**
 * How pauses and limits within `PausesContext` hold a notification; undefined if they do not. A limit holds repeats
 * that were never sent: further attempts are made as always.
 */
export function useHold({ status, kind, attempts, project_id: project }: HoldSubject): NotificationHold | undefined {
  const pauses = useContext(PausesContext);
  if (status !== 'pending') return undefined;
  const hold = holdOf(pauses, project);
  if (hold !== undefined) return { reason: 'pause', endsAt: hold.endsAt };
  const limit = pauses.find(({ until, project_id }) => until !== null && project_id === (project ?? ''));
  return limit && kind === 'repeat' && attempts === 0 ? { reason: 'limit', endsAt: limit.until } : undefined;
}

/** Says that notifications wait, while a pause holds those of the project; undefined: of all projects. */
export function PauseNotice({ project }: { project: string | null | undefined }): JSX.Element | null {
  const { value } = usePauses();
  const acted = useActedProject(project);
  return <HoldNotice hold={holdOf(value ?? [], acted)} />;
}

/** Says that notifications wait; nothing without a hold. */
export function HoldNotice({ hold }: { hold: Hold | undefined }): JSX.Element | null {
  if (hold === undefined) return null;
  return (
    <p class="warning" role="status">
      {hold.isPartial ? 'Deliveries of some projects are paused' : 'Deliveries are paused'}
      <HoldEnd hold={hold} />: {hold.isPartial ? 'their notifications wait' : 'notifications wait'}.
    </p>
  );
}

/** ` until 29 Nov, 13:14`, or nothing if a user must end the pause. */
export function HoldEnd({ hold: { endsAt } }: { hold: Pick<Hold, 'endsAt'> }): JSX.Element | null {
  return endsAt === null ? null : (
    <>
      {' '}
      until <Time at={endsAt} form="short" />
    </>
  );
}
