import { randomUUID } from 'node:crypto';

import { maskSecrets } from '../../logger.js';

export const AUDIT_OUTCOMES = ['done', 'refused', 'denied', 'failed', 'unknown'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

/** Stands for all projects in a `projectId`. */
export const ALL_PROJECTS = '*';

/** The caller of a request, and its address. A field that does not apply or is unknown is null. */
export interface AuditActor {
  userId: string | null;
  actorProjectId: string | null;
  roles: readonly string[];
  keyId: string | null;
  /** True if the actor used an API key for all projects. */
  allProjectsKey: boolean;
  address: string | null;
}

/** A fact for the audit trail: the actor, the action, its object and its outcome. */
export interface AuditFact extends AuditActor {
  action: string;
  outcome: AuditOutcome;
  /** HTTP status of the answer; null outside of the API. */
  status: number | null;
  requestId: string | null;
  /** Project of the object, otherwise of the actor; `*`: all projects. */
  projectId: string | null;
  objectId: string | null;
  /** Names of changed fields, without values. */
  changed: readonly string[] | null;
}

/** The fields of a fact whose actor and object are unknown. */
export const UNKNOWN: Omit<AuditFact, 'action' | 'outcome'> = {
  status: null,
  requestId: null,
  projectId: null,
  objectId: null,
  changed: null,
  userId: null,
  actorProjectId: null,
  roles: [],
  keyId: null,
  allProjectsKey: false,
  address: null,
};

/** One row of the audit trail. */
export interface AuditEntry extends AuditFact {
  /** A UUID of version 7: first the time, then the number that the entry has in its process. */
  id: string;
  at: Date;
  /** Number of requests that the entry stands for. */
  count: number;
}

/** The entry for what happened at this time. `sequence` orders the entries of one millisecond. */
export function auditEntry(fact: AuditFact, at: Date, sequence = 0): AuditEntry {
  return {
    ...fact,
    userId: clean(fact.userId),
    actorProjectId: clean(fact.actorProjectId),
    roles: fact.roles.map(printable),
    address: clean(fact.address),
    projectId: clean(fact.projectId),
    objectId: clean(fact.objectId),
    id: idAt(at, sequence),
    at,
    count: 1,
  };
}

/** The time within the id of an entry; undefined for a text that is no such id. */
export function timeOf(id: string): Date | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/.exec(id) ?? [];
  return high === undefined || low === undefined ? undefined : new Date(Number.parseInt(high + low, 16));
}

function idAt(at: Date, sequence: number): string {
  const ms = at.getTime().toString(16).padStart(12, '0');
  const number = (sequence % 0x1000).toString(16).padStart(3, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7${number}${randomUUID().slice(18)}`;
}

/** Longer than every id that a client can choose, except in paths. */
const MAX_TEXT = 256;
const UNPRINTABLE = /[\\\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * A client's text as an entry has it: parts that look like a secret are masked. Characters that could forge a line or
 * hide text are written as `\u{a}`, and so is the backslash. Filters compare with the same form.
 */
export function printable(text: string): string {
  const masked = maskSecrets(text);
  const short = masked.length > MAX_TEXT ? `${masked.slice(0, MAX_TEXT)}…` : masked;
  return short.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

function clean(text: string | null): string | null {
  return text === null ? null : printable(text);
}
