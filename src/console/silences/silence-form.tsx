import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { draftKey, Restored, Unsaved, useKeptDraft } from '../elements/kept-draft.js';
import { Empty, Failure, Loaded } from '../elements/notices.js';
import { Back, NoSuch } from '../elements/one-object.js';
import { ReasonFields } from '../elements/silence-fields.js';
import { SilencePreview, useSilencePreview } from '../elements/silence-preview.js';
import type { ShownSilence } from '../elements/silence-words.js';
import { bodyOf, client } from '../requests/client.js';
import { isEqual } from '../requests/json-equal.js';
import { refusedField } from '../requests/refused-field.js';
import { useReader, type Reader } from '../requests/reader.js';
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

/** The silence is no longer the one with which the draft was begun. */
class SilenceChanged extends Error {
  constructor(readonly present: ShownSilence) {
    super('This silence was changed after the draft was begun.');
  }
}

/** Makes a silence, or changes one. Resolves to its id. @throws SilenceChanged, RequestRefused */
async function sendSilence({ draft, base }: KeptSilence, reader: Reader, id: string | undefined): Promise<string> {
  // The service has no versions of silences, so the stored one is compared before it is replaced.
  const present = (id !== undefined && (await readSilence(id))) || undefined;
  if (present && !isEqual(changeDraft(present, reader), base)) throw new SilenceChanged(present);
  const body = bodyOfDraft(draft, { reader, isSent: true, changed: present });
  if (id === undefined) return (await bodyOf(client.POST('/v1/silences', { body }))).id;
  return (await bodyOf(client.PUT('/v1/silences/{id}', { params: { path: { id } }, body }))).id;
}

interface KeptSilence {
  draft: SilenceDraft;
  base: SilenceDraft;
}

interface FormProps {
  title: string;
  start: SilenceDraft;
  /** The silence that is changed or brought back. */
  from?: string;
  changed?: ShownSilence;
}

interface SilenceFormState {
  kept: KeptSilence;
  /** The silence that is changed, as it was last read. */
  stored: ShownSilence | undefined;
  progress: { isSending: boolean; failure?: unknown };
  isChanged: boolean;
  isRestored: boolean;
  /** True if another user has changed the silence after the draft was begun. */
  isOutdated: boolean;
  change: (changes: Partial<SilenceDraft>) => void;
  /** Takes the silence as it is stored. */
  discard: () => void;
  submit: (event: Event) => void;
  leave: () => void;
}

/** The draft of the form, and what is done with it. */
function useSilenceForm({ title, start, from, changed }: FormProps): SilenceFormState {
  const reader = useReader();
  const [stored, setStored] = useState(changed);
  const [progress, setProgress] = useState<SilenceFormState['progress']>({ isSending: false });
  const present = stored ? changeDraft(stored, reader) : start;
  const key = draftKey(reader, `silence ${title} ${from ?? ''}`);
  const { kept, set, forget, discard, isChanged, isRestored } = useKeptDraft(key, { draft: present, base: present });
  const fail = (failure: unknown): void => {
    if (failure instanceof SilenceChanged) setStored(failure.present);
    setProgress(failure instanceof SilenceChanged ? { isSending: false } : { isSending: false, failure });
  };
  const leave = (): void => {
    setProgress({ isSending: true });
    forget();
  };
  return {
    kept,
    stored,
    progress,
    isChanged,
    isRestored,
    isOutdated: stored !== undefined && !progress.isSending && !isEqual(kept.base, present),
    change: (changes) => {
      set({ ...kept, draft: { ...kept.draft, ...changes } });
      setProgress({ isSending: false });
    },
    discard,
    submit: (event) => {
      event.preventDefault();
      setProgress({ isSending: true });
      sendSilence(kept, reader, changed?.id).then((id) => {
        leave();
        goTo(linkTo('silences', id));
      }, fail);
    },
    leave,
  };
}

function Form(props: FormProps): JSX.Element {
  const { title, changed } = props;
  const reader = useReader();
  const form = useSilenceForm(props);
  const { kept, stored, progress, isChanged, change } = form;
  const { draft } = kept;
  const isTyped = draft.matchers.length > 0 && draft.matchers.every(({ value }) => value !== '');
  const body = isTyped ? bodyOfDraft(draft, { reader, isSent: false, changed: stored }) : undefined;
  const preview = useSilencePreview(body);
  const fault = refusedField(progress.failure ?? (isTyped ? preview.failure : undefined));
  return (
    <section aria-labelledby="title">
      <Back view="silences" id={changed?.id}>
        {changed ? 'The silence' : 'Silences'}
      </Back>
      <h1 id="title">{title}</h1>
      {form.isOutdated ? (
        <Outdated onDiscard={form.discard} />
      ) : (
        form.isRestored && <Restored onDiscard={form.discard} />
      )}
      <form class="silence-form" onSubmit={form.submit}>
        <div class="panel">
          <MatcherFields matchers={draft.matchers} fault={fault} onChange={(matchers) => change({ matchers })} />
          {reader.hasAllProjects && !changed && <ProjectFields draft={draft} fault={fault} onChange={change} />}
          <TimeFields draft={draft} fault={fault} onChange={change} />
          <ReasonFields value={draft} fault={fault} onChange={({ reason, owner }) => change({ reason, owner })} />
          <FormFailure failure={progress.failure} />
          <FormButtons isSending={progress.isSending} isChanged={isChanged} changed={changed} onCancel={form.leave} />
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

/** Says that another user has changed the silence. The draft would replace this change, so it is not sent. */
function Outdated({ onDiscard }: { onDiscard: () => void }): JSX.Element {
  return (
    <p class="warning" role="alert">
      This silence was changed after the draft was begun.{' '}
      <button type="button" onClick={onDiscard}>
        Take the stored silence
      </button>
    </p>
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
