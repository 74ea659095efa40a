import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

import type { Schemas } from './client.js';

/** The user of the page and their role. The role `reader` is one of them. */
export interface PageUser extends Pick<
  Schemas['Session'],
  'auth_mode' | 'user_id' | 'user_name' | 'project_id' | 'project_name' | 'role' | 'has_session' | 'ends_at'
> {
  /** True for members and admins. Elements that change something are shown to them only. */
  isWriter: boolean;
  isAdmin: boolean;
  /** True for an admin who sees all projects. */
  hasAllProjects: boolean;
}

/** Provided by the frame of the page, before it shows a view. */
export const PageUserContext = createContext<PageUser | undefined>(undefined);

/** The user of the page. Views are shown only once the user is known. */
export function usePageUser(): PageUser {
  const user = useContext(PageUserContext);
  if (user === undefined) throw new Error('a view is shown before its user is known');
  return user;
}

/** A key of the answers that a user may see: users with different rights have different keys. */
export function pageUserKey({ user_id, project_id, isWriter, isAdmin, hasAllProjects }: PageUser): string {
  return JSON.stringify([user_id, project_id, isWriter, isAdmin, hasAllProjects]);
}

/** The user in an answer of `GET /v1/session`. */
export function pageUserOf({ all_projects, ...session }: Schemas['Session']): PageUser {
  const isAdmin = session.role === 'admin';
  return {
    ...session,
    isWriter: isAdmin || session.role === 'member',
    isAdmin,
    hasAllProjects: isAdmin && all_projects,
  };
}
