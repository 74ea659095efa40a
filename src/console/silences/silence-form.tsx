import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { draftKey, Restored, Unsaved, useKeptDraft } from '../elements/kept-draft.js';
import { Empty, Failure, Loaded } from '../elements/notices.js';
import { Back, NoSuch } from '../elements/one-object.js';
import { ReasonFields } from '../elements/silence-fields.js';
import { SilencePreview, useSilencePreview } from '../elements/silence-preview.js';
import type { ShownSilence, SilenceBody } from '../elements/silence-words.js';
import { bodyOf, client } from '../requests/client.js';
import { refusedField } from '../requests/refused-field.js';
import { useReader } from '../requests/reader.js';
import { useAnswer } from '../requests/use-answer.js';
import { goTo, linkTo } from '../shell/address.js';
import type { ViewProps } from '../shell/view.js';
import { MatcherFields } from './matcher-fields.js';
import { ProjectFields } from './project-fields.js';
import { bodyOfDraft, broughtBack, changeDraft, newSilence, type SilenceDraft } from './silence-draft.js';
import { readSilence } from './silence-list.js';
import { TimeFields } from './time-fields.js';

/** The form for a new silence, for one that is brought back, or for a change of one. */
export function SilenceForm({ address, changed }: ViewProps & { changed?: string }): JSX.Element {
  const reader = useReader();
  const from = changed ?? address.query.get('from') ?? undefined;
  const answer = useAnswer(from, (signal) => readSilence(from ?? '', signal));
  if (!reader.isWriter) return <Empty>You may read silences, but not make them.</Empty>;
  if (from === undefined) return <Form title="New silence" start={newSilence(reader)} />;
  if (answer.value === null) return <NoSuch what="silence" />;
  return (
    <Loaded answer={answer} what="the silence">
      {(silence) =>
        silence &&
        (changed === undefined ? (
          <Form key={from} title="Bring a silence back" start={broughtBack(silence, reader)} from={from} />
        ) : (
          <Form
            key={from}
            title="Change a silence"
            start={changeDraft(silence, reader)}
            from={from}
            changed={silence}
          />
        ))
      }
    </Loaded>
  );
}

/** Makes a silence, or changes one. Resolves to its id. */
async function sendSilence(body: SilenceBody, changed: ShownSilence | undefined): Promise<string> {
  if (changed === undefined) return (await bodyOf(client.POST('/v1/silences', { body }))).id;
  const path = { id: changed.id };
  return (await bodyOf(client.PUT('/v1/silences/{id}', { params: { path }, body }))).id;
}

function Form({
  title,
  start,
  from,
  changed,
}: {
  title: string;
  start: SilenceDraft;
  /** The silence that is changed or brought back. */
  from?: string;
  changed?: ShownSilence;
}): JSX.Element {
  const reader = useReader();
  const key = draftKey(reader, `silence ${title} ${from ?? ''}`);
  const { kept, set, forget, discard, isChanged, isRestored } = useKeptDraft(key, { draft: start, base: start });
  const { draft } = kept;
  const [progress, setProgress] = useState<{ isSending: boolean; failure?: unknown }>({ isSending: false });
  const isTyped = draft.matchers.length > 0 && draft.matchers.every(({ value }) => value !== '');
  const preview = useSilencePreview(isTyped ? bodyOfDraft(draft, { reader, isSent: false, changed }) : undefined);
  const fault = refusedField(progress.failure ?? (isTyped ? preview.failure : undefined));
  const change = (changes: Partial<SilenceDraft>): void => {
    set({ ...kept, draft: { ...draft, ...changes } });
    setProgress({ isSending: false });
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    setProgress({ isSending: true });
    sendSilence(bodyOfDraft(draft, { reader, isSent: true, changed }), changed).then(
      (id) => {
        forget();
        goTo(linkTo('silences', id));
      },
      (failure: unknown) => setProgress({ isSending: false, failure }),
    );
  };
  return (
    <section aria-labelledby="title">
      <Back view="silences" id={changed?.id}>
        {changed ? 'The silence' : 'Silences'}
      </Back>
      <h1 id="title">{title}</h1>
      {isRestored && <Restored onDiscard={discard} />}
      <form class="silence-form" onSubmit={submit}>
        <div class="panel">
          <MatcherFields matchers={draft.matchers} fault={fault} onChange={(matchers) => change({ matchers })} />
          {reader.hasAllProjects && !changed && <ProjectFields draft={draft} fault={fault} onChange={change} />}
          <TimeFields draft={draft} fault={fault} onChange={change} />
          <ReasonFields value={draft} fault={fault} onChange={({ reason, owner }) => change({ reason, owner })} />
          <FormFailure failure={progress.failure} />
          <FormButtons isSending={progress.isSending} isChanged={isChanged} changed={changed} onCancel={forget} />
        </div>
        <section class="panel" aria-label="Preview">
          <h2>Alarms</h2>
          {isTyped ? (
            <SilencePreview answer={preview} />
          ) : (
            <p class="muted">Fill in the matchers. The alarms are then shown here.</p>
          )}
        </section>
      </form>
    </section>
  );
}

/** A short notice for the refusal of a field, whose text stands beside the field. */
function FormFailure({ failure }: { failure: unknown }): JSX.Element | null {
  if (failure === undefined) return null;
  if (refusedField(failure) === undefined) return <Failure failure={failure} />;
  return (
    <p class="fault" role="alert">
      Nothing was saved: see the marked field.
    </p>
  );
}

function FormButtons({
  isSending,
  isChanged,
  changed,
  onCancel,
}: {
  isSending: boolean;
  isChanged: boolean;
  changed: ShownSilence | undefined;
  onCancel: () => void;
}): JSX.Element {
  return (
    <div class="actions">
      <button class="primary" disabled={isSending}>
        {changed ? 'Save the change' : 'Silence'}
      </button>
      <a class="button" href={linkTo('silences', changed?.id)} onClick={onCancel}>
        Cancel
      </a>
      {isChanged && <Unsaved />}
    </div>
  );
}
