import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { draftKey, Restored, Unsaved, useKeptDraft } from '../elements/kept-draft.js';
import { useMandatory } from '../elements/mandatory.js';
import { Empty, Failure, Loaded } from '../elements/notices.js';
import { Back, NoSuch } from '../elements/one-object.js';
import { ReasonFields } from '../elements/silence-fields.js';
import { SilencePreview, useSilencePreview } from '../elements/silence-preview.js';
import type { ShownSilence } from '../elements/silence-words.js';
import { bodyOf, client } from '../requests/client.js';
import { refusedField, type RefusedField } from '../requests/refused-field.js';
import { usePageUser, type PageUser } from '../requests/page-user.js';
import { changeSilence, readSilence, SilenceChanged, type SilenceVersion } from '../requests/silence-version.js';
import { useAnswer } from '../requests/use-answer.js';
import { goTo, linkTo } from '../shell/address.js';
import type { ViewProps } from '../shell/view.js';
import { MatcherFields } from './matcher-fields.js';
import { ProjectFields } from './project-fields.js';
import {
  bodyOfDraft,
  broughtBack,
  changeDraft,
  missingIn,
  newSilence,
  withMine,
  type SilenceDraft,
} from './silence-draft.js';
import { Outdated } from './outdated.js';
import { TimeFields } from './time-fields.js';

/** The form for a new silence, for one that is brought back, or for a change of one. */
export function SilenceForm({ address, changed }: ViewProps & { changed?: string }): JSX.Element {
  const user = usePageUser();
  const from = changed ?? address.query.get('from') ?? undefined;
  const answer = useAnswer(from, (signal) => readSilence(from ?? '', signal));
  if (!user.isWriter) return <Empty>You may read silences, but not make them.</Empty>;
  if (from === undefined) return <Form title="New silence" start={newSilence(user)} />;
  if (answer.value === null)
    return (
      <>
        <Back view="silences">Silences</Back>
        <NoSuch what="silence" />
      </>
    );
  return (
    <Loaded answer={answer} what="the silence">
      {(version) =>
        version &&
        (changed === undefined ? (
          <Form key={from} title="Bring a silence back" start={broughtBack(version.silence, user)} from={from} />
        ) : (
          <Form
            key={from}
            title="Change a silence"
            start={changeDraft(version.silence, user)}
            from={from}
            changed={version}
          />
        ))
      }
    </Loaded>
  );
}

/** Makes a silence, or changes one. Resolves to its id. @throws SilenceChanged, RequestRefused */
async function sendSilence(
  { draft, tag }: KeptSilence,
  user: PageUser,
  changed: ShownSilence | undefined,
): Promise<string> {
  const body = bodyOfDraft(draft, { user, isSent: true, changed });
  if (changed === undefined) return (await bodyOf(client.POST('/v1/silences', { body }))).id;
  const { id } = changed;
  const answer = await changeSilence(id, tag, (headers) =>
    bodyOf(client.PUT('/v1/silences/{id}', { params: { path: { id } }, body, headers })),
  );
  return answer.id;
}

/** The draft of a silence. */
interface KeptSilence {
  draft: SilenceDraft;
  base: SilenceDraft;
  /** The `ETag` of the silence from which the draft was begun; undefined for a new one. */
  tag: string | undefined;
}

interface FormProps {
  title: string;
  start: SilenceDraft;
  /** The silence that is changed or brought back. */
  from?: string;
  changed?: SilenceVersion;
}

interface SilenceFormState {
  kept: KeptSilence;
  /** The draft without changes, as the silence was last read. */
  present: SilenceDraft;
  /** The silence that is changed, as it was last read. */
  stored: SilenceVersion | undefined;
  progress: { isSending: boolean; failure?: unknown };
  isChanged: boolean;
  isRestored: boolean;
  /** True if another user has changed the silence after the draft was begun. */
  isOutdated: boolean;
  change: (changes: Partial<SilenceDraft>) => void;
  /** The first mandatory field without a value, once the form was sent without it. */
  missing: RefusedField | undefined;
  /** Takes the silence as it is stored. */
  discard: () => void;
  /** Takes the silence as it is stored, with what the user has changed. */
  keepMine: () => void;
  submit: (event: Event) => void;
  leave: () => void;
}

/** The draft of the form, and what is done with it. */
function useSilenceForm({ title, start, from, changed }: FormProps): SilenceFormState {
  const user = usePageUser();
  const [stored, setStored] = useState(changed);
  const [progress, setProgress] = useState<SilenceFormState['progress']>({ isSending: false });
  const present = stored ? changeDraft(stored.silence, user) : start;
  const key = draftKey(user, `silence ${title} ${from ?? ''}`);
  const { kept, set, forget, discard, isChanged, isRestored } = useKeptDraft<KeptSilence>(key, {
    draft: present,
    base: present,
    tag: stored?.tag,
  });
  const mandatory = useMandatory(missingIn(kept.draft));
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
    present,
    stored,
    progress,
    isChanged,
    isRestored,
    isOutdated: stored !== undefined && !progress.isSending && kept.tag !== stored.tag,
    missing: mandatory.fault,
    change: (changes) => {
      set({ ...kept, draft: { ...kept.draft, ...changes } });
      setProgress({ isSending: false });
    },
    discard,
    keepMine: () => set({ draft: withMine(kept, present), base: present, tag: stored?.tag }),
    submit: (event) => {
      event.preventDefault();
      try {
        mandatory.check();
      } catch (failure) {
        return fail(failure);
      }
      setProgress({ isSending: true });
      sendSilence(kept, user, stored?.silence).then((id) => {
        leave();
        goTo(linkTo('silences', id));
      }, fail);
    },
    leave,
  };
}

function Form(props: FormProps): JSX.Element {
  const { title, changed } = props;
  const user = usePageUser();
  const form = useSilenceForm(props);
  const { kept, stored, progress, isChanged, change } = form;
  const { draft } = kept;
  const isTyped = draft.matchers.length > 0 && draft.matchers.every(({ value }) => value !== '');
  const body = isTyped ? bodyOfDraft(draft, { user, isSent: false, changed: stored?.silence }) : undefined;
  const preview = useSilencePreview(body);
  const fault = form.missing ?? refusedField(progress.failure ?? (isTyped ? preview.failure : undefined));
  return (
    <section aria-labelledby="title">
      {changed ? (
        <Back view="silences" id={changed.silence.id}>
          The silence
        </Back>
      ) : (
        <Back view="silences">Silences</Back>
      )}
      <h1 id="title">{title}</h1>
      <Notice form={form} />
      <form class="silence-form" onSubmit={form.submit}>
        <div class="panel">
          <MatcherFields matchers={draft.matchers} fault={fault} onChange={(matchers) => change({ matchers })} />
          {user.hasAllProjects && !changed && <ProjectFields draft={draft} fault={fault} onChange={change} />}
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

/** Says that the draft is one of before, or that the silence has changed since. */
function Notice({ form }: { form: SilenceFormState }): JSX.Element | null {
  const { kept, present, keepMine, discard, isOutdated, isRestored } = form;
  if (isOutdated) return <Outdated kept={kept} present={present} onKeep={keepMine} onDiscard={discard} />;
  return isRestored ? <Restored onDiscard={discard} /> : null;
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
  changed: SilenceVersion | undefined;
  onCancel: () => void;
}): JSX.Element {
  return (
    <div class="actions">
      <button class="primary" disabled={isSending}>
        {changed ? 'Save the change' : 'Silence'}
      </button>
      <a class="button" href={linkTo('silences', changed?.silence.id)} onClick={onCancel}>
        Cancel
      </a>
      {isChanged && <Unsaved />}
    </div>
  );
}
