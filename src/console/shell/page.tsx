import type { FunctionComponent, JSX } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';

import { Empty, Failure, Loaded, Waiting } from '../elements/notices.js';
import { bodyOf, client } from '../requests/client.js';
import { LiveContext } from '../requests/live.js';
import { LiveTabs } from '../requests/live-tabs.js';
import { abortAllWork } from '../requests/long-work.js';
import { PageUserContext, pageUserKey, pageUserOf, type PageUser } from '../requests/page-user.js';
import { authMode, recheckSession, watchSession } from '../requests/session.js';
import { useAnswer, type Answer } from '../requests/use-answer.js';
import { Account } from './account.js';
import { linkTo, PROJECT, useAddress, type PageAddress } from './address.js';
import { LiveSign } from './live-sign.js';
import { ProjectChoice } from './project-choice.js';
import type { ViewEntry, ViewProps } from './view.js';
import { SIGN_IN, VIEWS } from './views.js';

/** The frame of all views: navigation, user, and the view that the address names. */
export function Page(): JSX.Element {
  const address = useAddress();
  const caller = useCaller(address.query.get(PROJECT) ?? '');
  const user = caller.value ?? undefined;
  const isSignedOut = caller.value === null;
  const entry = isSignedOut ? SIGN_IN : VIEWS[address.view];
  const live = useLiveTabs(user);
  const module = useViewModule(entry);
  const name = entry?.name;
  useEffect(() => {
    document.title = name === undefined ? 'Tocsin' : `${name} · Tocsin`;
  }, [name]);
  return (
    <>
      <a class="skip" href="#content" onClick={skipToContent}>
        Skip to the content
      </a>
      <header class="bar">
        <a class="brand" href={linkTo('alarms')}>
          Tocsin
        </a>
        {isSignedOut ? <nav /> : <Navigation current={VIEWS[address.view]?.within ?? address.view} user={user} />}
        <LiveSign live={live} />
        {authMode() === 'noauth' && <ProjectChoice address={address} />}
        {user !== undefined && user.auth_mode !== 'noauth' && <Account user={user} />}
      </header>
      <main id="content" tabIndex={-1}>
        <Loaded answer={caller} what="the page">
          {() => (
            <PageUserContext.Provider value={user}>
              <LiveContext.Provider value={live}>
                <View key={keyOf(user, address)} address={address} module={module} />
              </LiveContext.Provider>
            </PageUserContext.Provider>
          )}
        </Loaded>
      </main>
    </>
  );
}

/** A view with another key is made anew, so that no user sees what was shown to another one. */
function keyOf(user: PageUser | undefined, { view, id = '' }: PageAddress): string {
  return user === undefined ? '' : `${pageUserKey(user)} ${view}/${id}`;
}

/** The user of the page; null if they must sign in. Read again when the session may have ended. */
function useCaller(project: string): Answer<PageUser | null> {
  const caller = useAnswer(project, async (signal) => {
    const answer = await client.GET('/v1/session', { signal });
    return answer.response.status === 401 ? null : pageUserOf(await bodyOf(Promise.resolve(answer)));
  });
  const { again } = caller;
  useEffect(() => watchSession(again), [again]);
  return caller;
}

/** By script, since the part of the address behind `#` names the view. */
function skipToContent(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function Navigation({ current, user }: { current: string; user: PageUser | undefined }): JSX.Element {
  const isAdmin = user?.hasAllProjects === true;
  return (
    <nav aria-label="Views">
      <ul>
        {Object.entries(VIEWS).map(
          ([view, { name, onlyAdmins = false }]) =>
            name !== undefined &&
            (isAdmin || !onlyAdmins) && (
              <li key={view}>
                <a href={linkTo(view)} aria-current={view === current ? 'page' : undefined}>
                  {name}
                </a>
              </li>
            ),
        )}
      </ul>
    </nav>
  );
}

/**
 * The stream of events that the user may see. It is opened before views read their lists. When the user changes, long
 * work is aborted.
 */
function useLiveTabs(user: PageUser | undefined): LiveTabs | undefined {
  const key = user && pageUserKey(user);
  const live = useMemo(() => (key === undefined ? undefined : new LiveTabs(`tocsin ${key}`, recheckSession)), [key]);
  useEffect(() => () => live?.close(), [live]);
  useLayoutEffect(() => abortAllWork, [key]);
  return live;
}

interface ViewModule {
  entry: ViewEntry | undefined;
  component?: FunctionComponent<ViewProps>;
  failure?: unknown;
}

/** Loads the module of a view, while the page reads its session. */
function useViewModule(entry: ViewEntry | undefined): ViewModule {
  const [loaded, setLoaded] = useState<ViewModule>({ entry });
  useLayoutEffect(() => {
    let isLeft = false;
    const recordOutcome = (outcome: Omit<ViewModule, 'entry'>): void => {
      if (!isLeft) setLoaded({ entry, ...outcome });
    };
    entry?.load().then(
      (component) => recordOutcome({ component }),
      (failure: unknown) => recordOutcome({ failure }),
    );
    return () => {
      isLeft = true;
    };
  }, [entry]);
  return loaded.entry === entry ? loaded : { entry };
}

function View({ address, module }: { address: PageAddress; module: ViewModule }): JSX.Element {
  const { entry, component: Component, failure } = module;
  if (entry === undefined) return <Empty>There is no view “{address.view}”.</Empty>;
  if (failure !== undefined) return <Failure failure={failure} again={() => location.reload()} />;
  return Component ? <Component address={address} /> : <Waiting what="the view" />;
}
