import { ALL_ORIGINS } from '../../alarm/receiver/origin.js';
import type { Database } from '../database.js';
import type { Sealer } from '../secrets/sealed.js';
import { placeOfSigningSecret } from './signing-secret-store.js';

/** What a project has set for its webhooks to one origin. */
export interface WebhookSettings {
  /** `whsec_…`, newest first. Empty: webhooks are not signed. */
  secrets: readonly string[];
}

interface SecretRow {
  id: string;
  origin: string;
  sealed: string;
}

/** Most projects that `projects` names. */
const MOST_PROJECTS = 1_000;

export type WebhookSettingsStore = ReturnType<typeof createWebhookSettingsStore>;

/** The settings of webhooks, for notifiers only. */
export function createWebhookSettingsStore(db: Database, sealer: Sealer) {
  return {
    /** The projects that have settings; undefined if they are too many to name. */
    async projects(): Promise<ReadonlySet<string> | undefined> {
      const { rows } = await db.query<{ projectId: string }>(PROJECTS);
      return rows.length > MOST_PROJECTS ? undefined : new Set(rows.map(({ projectId }) => projectId));
    },
    /**
     * The settings of a project for an origin. Without a secret of the origin, those for all origins sign.
     * @throws MissingKey when the key of a secret is not configured. @throws Error when a row was changed.
     */
    async ofOrigin(projectId: string, origin: string, now: Date): Promise<WebhookSettings> {
      const { rows } = await db.query<SecretRow>(OF_ORIGIN, [projectId, origin, now]);
      const own = rows.filter((row) => row.origin !== ALL_ORIGINS);
      const used = own.length > 0 ? own : rows;
      return { secrets: used.map(({ id, sealed }) => sealer.open(sealed, placeOfSigningSecret({ id, projectId }))) };
    },
  };
}

/** Jumps from project to project in the index, so that a project with many receivers costs as little as others. */
const PROJECTS = `
  with recursive owners as (
    (select project_id from receivers order by project_id limit 1)
    union all
    select (select r.project_id from receivers r where r.project_id > o.project_id order by r.project_id limit 1)
      from owners o where o.project_id is not null)
  select project_id as "projectId" from owners where project_id is not null limit ${MOST_PROJECTS + 1}`;
const OF_ORIGIN = `
  select s.id, r.origin, s.secret as sealed from receivers r join signing_secrets s on s.receiver_id = r.id
   where r.project_id = $1 and r.origin in ($2, '${ALL_ORIGINS}') and (s.ends_at is null or s.ends_at > $3)
   order by s.ordinal desc`;
