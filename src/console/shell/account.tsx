import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { ServiceText } from '../elements/service-text.js';
import { bodyOf, client, failureText } from '../requests/client.js';
import type { PageUser } from '../requests/page-user.js';
import { tellSignedOut } from '../requests/session.js';

/** Name, project and role of the user, and the button that ends the session. */
export function Account({ user }: { user: PageUser }): JSX.Element {
  const [failure, setFailure] = useState<unknown>();
  const { user_id, user_name, project_id, project_name, role, has_session, hasAllProjects } = user;
  const signOut = (): void => {
    setFailure(undefined);
    bodyOf(client.DELETE('/v1/session')).then(tellSignedOut, setFailure);
  };
  return (
    <div class="account">
      <span title={`User ${both(user_name, user_id)}, project ${both(project_name, project_id)}`}>
        {[user_name, project_name ?? project_id].filter(Boolean).join(' · ')}{' '}
        <span class="muted">{hasAllProjects ? 'admin of all projects' : (role ?? 'no role')}</span>
      </span>
      {has_session && (
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      )}
      {failure !== undefined && (
        <span role="alert">
          <ServiceText text={failureText(failure)} />
        </span>
      )}
    </div>
  );
}

function both(name: string | null, id: string | null): string {
  return name === null ? (id ?? 'none') : `${name} (${id ?? 'none'})`;
}
