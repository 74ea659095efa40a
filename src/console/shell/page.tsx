import type { FunctionComponent, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { Empty, Failure, Loaded, Waiting } from '../elements/notices.js';
import { bodyOf, client } from '../requests/client.js';
import { ReaderContext, readerOf } from '../requests/reader.js';
import { useAnswer } from '../requests/use-answer.js';
import { linkTo, PROJECT, useAddress, type PageAddress } from './address.js';
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
        <Navigation current={address.view} />
        <ProjectChoice address={address} />
      </header>
      <main id="content" tabIndex={-1}>
        <Loaded answer={reader} what="the page">
          {(value) => (
            <ReaderContext.Provider value={value}>
              <View key={`${address.view}/${address.id ?? ''}`} address={address} />
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

function View({ address }: { address: PageAddress }): JSX.Element {
  const [loaded, setLoaded] = useState<{ component?: FunctionComponent<ViewProps>; failure?: unknown }>({});
  const entry = VIEWS[address.view];
  useEffect(() => {
    entry?.load().then(
      (component) => setLoaded({ component }),
      (failure: unknown) => setLoaded({ failure }),
    );
  }, [entry]);
  if (entry === undefined) return <Empty>There is no view “{address.view}”.</Empty>;
  if (loaded.failure !== undefined) return <Failure failure={loaded.failure} again={() => location.reload()} />;
  const Component = loaded.component;
  return Component ? <Component address={address} /> : <Waiting what="the view" />;
}
