import { ALL_ORIGINS } from '../../alarm/receiver/origin.js';
import type { Database } from '../database.js';
import type { Sealer } from '../secrets/sealed.js';
import { placeOfHeaders, type OwnHeaders } from './receiver-store.js';
import { placeOfSigningSecret } from './signing-secret-store.js';

/** What a project has set for its webhooks to one origin. */
export interface WebhookSettings {
  /** `whsec_…`, newest first. Empty: webhooks are not signed. */
  secrets: readonly string[];
  /** Headers that are added to the webhooks of `http` and `https` actions. */
  headers: OwnHeaders;
}

/** A receiver with one of its secrets, sealed. */
interface SettingsRow {
  receiverId: string;
  origin: string;
  headers: string | null;
  id: string | null;
  secret: string | null;
}

function hasSecret(row: SettingsRow): row is SettingsRow & { id: string; secret: string } {
  return row.secret !== null;
}

function headersOf({ receiverId, headers }: SettingsRow, projectId: string, sealer: Sealer): OwnHeaders {
  const text = sealer.open(headers ?? '', placeOfHeaders({ id: receiverId, projectId }));
  return JSON.parse(text) as OwnHeaders;
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
      const { rows } = await db.query<SettingsRow>(OF_ORIGIN, [projectId, origin, now]);
      const signing = rows.filter(hasSecret);
      const own = signing.filter((row) => row.origin !== ALL_ORIGINS);
      const used = own.length > 0 ? own : signing;
      const withHeaders = rows.find(({ headers }) => headers !== null);
      return {
        secrets: used.map(({ id, secret }) => sealer.open(secret, placeOfSigningSecret({ id, projectId }))),
        headers: withHeaders ? headersOf(withHeaders, projectId, sealer) : {},
      };
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
  select r.id as "receiverId", r.origin, r.headers, s.id, s.secret
    from receivers r
    left join signing_secrets s on s.receiver_id = r.id and (s.ends_at is null or s.ends_at > $3)
   where r.project_id = $1 and r.origin in ($2, '${ALL_ORIGINS}') order by s.ordinal desc`;
