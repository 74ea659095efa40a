import type { JSX } from 'preact';

import { Choice, SearchField } from '../elements/fields.js';
import { usePageUser, type PageUser } from '../requests/page-user.js';
import { changeQuery, PROJECT, type PageAddress } from '../shell/address.js';

/** Whose meters are shown: of the project or of one of its users, and for admins of which project. */
export function OwnerFields({ address: { query } }: { address: PageAddress }): JSX.Element {
  const user = usePageUser();
  const userId = query.get('user_id') ?? undefined;
  const projectId = query.get('project_id') ?? undefined;
  const choosesProject = user.hasAllProjects && !query.has(PROJECT);
  const users = usersOf(user, userId);
  return (
    <>
      {users.length > 0 && (
        <Choice
          label="Whose"
          value={userId}
          options={users}
          any={choosesProject && projectId === undefined ? 'all projects' : 'of the project'}
          onChange={(chosen) =>
            changeQuery({
              user_id: chosen,
              // The service lists the meters of a user project by project.
              ...(chosen !== undefined && choosesProject && { project_id: projectId ?? user.project_id ?? undefined }),
              cursor: undefined,
            })
          }
        />
      )}
      {choosesProject && (
        <SearchField
          label="Of project"
          value={projectId}
          placeholder="all"
          onChange={(project_id) =>
            changeQuery({ project_id, ...(project_id === undefined && { user_id: undefined }), cursor: undefined })
          }
        />
      )}
    </>
  );
}

/** The user of the page, and another one that the address names. */
function usersOf({ user_id, user_name }: PageUser, named: string | undefined): [id: string, text: string][] {
  const own: [string, string][] = user_id === null ? [] : [[user_id, `mine (${user_name ?? user_id})`]];
  return named === undefined || named === user_id ? own : [...own, [named, `of user ${named}`]];
}
