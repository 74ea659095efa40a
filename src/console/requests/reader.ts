import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

import type { Schemas } from './client.js';

/** Who looks at the page, and what they may do. */
export interface Reader extends Pick<
  Schemas['Session'],
  'auth_mode' | 'user_id' | 'user_name' | 'project_id' | 'project_name' | 'role' | 'has_session' | 'ends_at'
> {
  /** May change things: a member or an admin. Elements that change things are shown to writers only. */
  isWriter: boolean;
  isAdmin: boolean;
  /** An admin who sees all projects. */
  hasAllProjects: boolean;
}

/** Filled by the frame of the page, before it shows a view. */
export const ReaderContext = createContext<Reader | undefined>(undefined);

/** Who looks at the page. Views are shown only once this is known. */
export function useReader(): Reader {
  const reader = useContext(ReaderContext);
  if (reader === undefined) throw new Error('a view is shown before its reader is known');
  return reader;
}

/** Text that differs between readers who see different things. */
export function readerKey({ user_id, project_id, isWriter, isAdmin, hasAllProjects }: Reader): string {
  return JSON.stringify([user_id, project_id, isWriter, isAdmin, hasAllProjects]);
}

/** What the caller of `GET /v1/session` may do. */
export function readerOf({ all_projects, ...session }: Schemas['Session']): Reader {
  const isAdmin = session.role === 'admin';
  return {
    ...session,
    isWriter: isAdmin || session.role === 'member',
    isAdmin,
    hasAllProjects: isAdmin && all_projects,
  };
}
