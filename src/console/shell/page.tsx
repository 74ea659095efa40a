import type { FunctionComponent, JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';

import { Empty, Failure, Loaded, Waiting } from '../elements/notices.js';
import { bodyOf, client } from '../requests/client.js';
import { LiveContext } from '../requests/live.js';
import { LiveTabs } from '../requests/live-tabs.js';
import { ReaderContext, readerKey, readerOf, type Reader } from '../requests/reader.js';
import { useAnswer } from '../requests/use-answer.js';
import { linkTo, PROJECT, useAddress, type PageAddress } from './address.js';
import { LiveSign } from './live-sign.js';
import { ProjectChoice } from './project-choice.js';
import type { ViewProps } from './view.js';
import { VIEWS } from './views.js';

/** The frame of all views: navigation, project, and the view that the address names. */
export function Page(): JSX.Element {
  const address = useAddress();
  const name = VIEWS[address.view]?.name;
  const reader = useAnswer(address.query.get(PROJECT) ?? '', async (signal) =>
    readerOf(await bodyOf(client.GET('/v1/session', { signal }))),
  );
  const live = useLiveTabs(reader.value, reader.again);
  const view = useViewModule(address.view);
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
        <Navigation current={VIEWS[address.view]?.within ?? address.view} />
        <LiveSign live={live} />
        <ProjectChoice address={address} />
      </header>
      <main id="content" tabIndex={-1}>
        <Loaded answer={reader} what="the page">
          {(value) => (
            <ReaderContext.Provider value={value}>
              <LiveContext.Provider value={live}>
                <View key={`${readerKey(value)} ${address.view}/${address.id ?? ''}`} address={address} module={view} />
              </LiveContext.Provider>
            </ReaderContext.Provider>
          )}
        </Loaded>
      </main>
    </>
  );
}

/** By script, since the part of the address behind `#` names the view. */
function skipToContent(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function Navigation({ current }: { current: string }): JSX.Element {
  return (
    <nav aria-label="Views">
      <ul>
        {Object.entries(VIEWS).map(
          ([view, { name }]) =>
            name !== undefined && (
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

/** The stream of what a reader may see. It is opened before views ask for their lists. */
function useLiveTabs(reader: Reader | undefined, onEnd: () => void): LiveTabs | undefined {
  const key = reader && readerKey(reader);
  const live = useMemo(() => (key === undefined ? undefined : new LiveTabs(`tocsin ${key}`, onEnd)), [key, onEnd]);
  useEffect(() => () => live?.close(), [live]);
  return live;
}

interface ViewModule {
  view: string;
  component?: FunctionComponent<ViewProps>;
  failure?: unknown;
}

/** Loads the module of a view, while the page asks who its reader is. Undefined if there is no such view. */
function useViewModule(view: string): ViewModule | undefined {
  const [loaded, setLoaded] = useState<ViewModule>({ view });
  useEffect(() => {
    let isLeft = false;
    const settle = (outcome: Omit<ViewModule, 'view'>): void => {
      if (!isLeft) setLoaded({ view, ...outcome });
    };
    VIEWS[view]?.load().then(
      (component) => settle({ component }),
      (failure: unknown) => settle({ failure }),
    );
    return () => {
      isLeft = true;
    };
  }, [view]);
  if (VIEWS[view] === undefined) return undefined;
  return loaded.view === view ? loaded : { view };
}

function View({ address, module }: { address: PageAddress; module: ViewModule | undefined }): JSX.Element {
  if (module === undefined) return <Empty>There is no view “{address.view}”.</Empty>;
  const { component: Component, failure } = module;
  if (failure !== undefined) return <Failure failure={failure} again={() => location.reload()} />;
  return Component ? <Component address={address} /> : <Waiting what="the view" />;
}
