import type { AlarmMatcher } from './matchers.js';
import type { SilenceTimes } from './openings.js';

/** In place of projects: the alarms of all projects are held. */
export const ALL_SILENCED = '*';

/** What a user says about a silence. */
export interface SilenceDefinition extends SilenceTimes {
  /** The projects whose alarms it holds, sorted: '' for alarms without a project, or `*` alone for all. */
  projects: readonly string[];
  /** At least one. An alarm must fulfil all of them. */
  matchers: readonly AlarmMatcher[];
  reason: string;
  /** The person or team that answers for it. */
  owner: string;
}

/** A silence. While it is active, it holds the notifications of the alarms that it matches. */
export interface Silence extends SilenceDefinition {
  id: string;
  /** True if only admins may change it. */
  isAdmins: boolean;
  createdAt: Date;
  /** When a user ended it; null if none did. */
  endedAt: Date | null;
}

/** A silence that is open, and until when. */
export interface OpenSilence extends Silence {
  until: Date;
}

/** `planned`: it will hold alarms later, also between two openings. `ended`: it never will any more. */
export const SILENCE_STATUSES = ['active', 'planned', 'ended'] as const;
export type SilenceStatus = (typeof SILENCE_STATUSES)[number];
