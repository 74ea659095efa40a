import { Fragment, type JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';

import { Dialog } from '../elements/dialog.js';
import { Restored, Unsaved, useKeptDraft } from '../elements/kept-draft.js';
import { MANDATORY } from '../elements/mandatory.js';
import { Failure } from '../elements/notices.js';
import { usePageUser } from '../requests/page-user.js';
import { linkTo } from '../shell/address.js';
import { ChangeList } from './changes.js';
import { missingField } from './complete.js';
import { Conflict } from './conflict.js';
import { changesBetween, withValue, type Draft, type FieldPath } from './draft.js';
import { DraftTest } from './draft-test.js';
import { DraftValues } from './draft-values.js';
import { stillHolds, type FieldFault } from './faults.js';
import { FieldInput } from './field-input.js';
import { Fold } from './fold.js';
import type { FormField, RuleForm, OfferedType } from './form-fields.js';
import { sectionsOf, type FormSection, type PlacedField } from './form-sections.js';
import { FormContext, idOf } from './form-state.js';
import { OfferNotice } from './type-offer.js';
import { useDraftValues } from './use-draft-values.js';
import { useSaving, type KeptAlarm } from './use-saving.js';

/** The form of an alarm. */
export function AlarmForm({
  keptAs,
  fields,
  rule,
  start,
  id,
}: {
  keptAs: string;
  /** All fields of an alarm. */
  fields: readonly FormField[];
  rule: RuleForm;
  start: KeptAlarm;
  /** Of the alarm that is edited; undefined for a new one. */
  id: string | undefined;
}): JSX.Element {
  const { isAdmin } = usePageUser();
  const { kept, set, forget, discard, isChanged, isRestored } = useKeptDraft(keptAs, start);
  const [isConfirming, setConfirming] = useState(false);
  const { draft, base } = kept;
  const sections = useMemo(() => sectionsOf(fields, rule, isAdmin), [fields, rule, isAdmin]);
  const placed = sections.flatMap((section) => [...section.fields, ...section.folded]);
  const change = (path: FieldPath, value: unknown): void =>
    set({ ...kept, draft: withValue(draft, path, value) as Draft });
  const known = placed.map(({ path }) => path);
  const { problem, isSaving, save, forgetProblem } = useSaving({ id, kept, known, onSaved: forget });
  const missing = missingField(placed, draft);
  const notJudged = missingField(placed.filter(isJudged), draft);
  const outcome = useDraftValues(draft, notJudged === undefined, placed);
  const { refused, own, refuse } = useFaults(problem.fault, missing, draft);
  const isShown = useShownFault(refused);
  const faults = [refused, own, outcome.fault].filter((fault) => fault !== undefined);
  const choose = (next: KeptAlarm): void => {
    set(next);
    forgetProblem();
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (missing?.field.isRequired) refuse();
    else if (id === undefined) void save();
    else setConfirming(true);
  };
  return (
    <FormContext.Provider value={{ draft, change, faults }}>
      {isRestored && <Restored onDiscard={discard} />}
      <form class="alarm-form" onSubmit={submit} onInvalidCapture={unfold}>
        {sections.map((section) => (
          <Fragment key={section.title}>
            <Section section={section} offer={section.title === rule.title ? rule.offer : undefined} />
            {section.title === rule.title && <DraftValues outcome={outcome} missing={notJudged} fields={placed} />}
          </Fragment>
        ))}
        {problem.theirs && <Conflict base={base} draft={draft} theirs={problem.theirs} onChoose={choose} />}
        {refused && !isShown && <Failure failure={new Error(refused.text)} />}
        {problem.failure !== undefined && <Failure failure={problem.failure} />}
        <Buttons id={id} isSaving={isSaving} isChanged={isChanged} onLeave={forget} />
      </form>
      <DraftTest draft={draft} isComplete={missing === undefined} />
      {isConfirming && (
        <Dialog title="Save these changes?" action="Save" act={save} onClose={() => setConfirming(false)}>
          <ChangeList changes={changesBetween(base, draft)} />
        </Dialog>
      )}
    </FormContext.Provider>
  );
}

function Buttons({
  id,
  isSaving,
  isChanged,
  onLeave,
}: {
  id: string | undefined;
  isSaving: boolean;
  isChanged: boolean;
  onLeave: () => void;
}): JSX.Element {
  return (
    <div class="actions">
      <button class="primary" disabled={isSaving || (id !== undefined && !isChanged)}>
        {id === undefined ? 'Create' : 'Save'}
      </button>
      <a class="button" href={id === undefined ? linkTo('alarms') : linkTo('alarm', id)} onClick={onLeave}>
        Cancel
      </a>
      {isChanged && <Unsaved />}
    </div>
  );
}

/** The faults that keep a draft from being saved. */
interface SavingFaults {
  /** What the service refused, until that value changes. */
  refused: FieldFault | undefined;
  /** After `refuse`: a mandatory field, as long as it has no value. The browser knows nothing of rules within rules. */
  own: FieldFault | undefined;
  refuse: () => void;
}

/** `last`: the last refusal of the service. `refuse` moves the focus to the mandatory field without a value. */
function useFaults(last: FieldFault | undefined, missing: PlacedField | undefined, draft: Draft): SavingFaults {
  // Another object for each attempt to save: it moves the focus, which must stay while the user types.
  const [attempt, setAttempt] = useState<FieldFault>();
  useShownFault(attempt);
  const faultOfMissing = missing && { path: missing.path, text: MANDATORY };
  return {
    refused: last && stillHolds(last, draft) ? last : undefined,
    own: attempt && faultOfMissing,
    refuse: () => setAttempt(faultOfMissing),
  };
}

/** A draft is evaluated without a name. */
function isJudged({ path }: PlacedField): boolean {
  return path[0] !== 'name';
}

/** Opens the folded parts around a field that is wrong, so that the browser can point at it. */
function unfold(event: Event): void {
  if (!(event.target instanceof Element)) return;
  for (let part = event.target.closest('details'); part; part = part.parentElement?.closest('details') ?? null)
    part.open = true;
}

/** Scrolls to a field that was refused. Returns whether the form shows such a field. */
function useShownFault(fault: FieldFault | undefined): boolean {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const place = fault?.path && document.getElementById(`${idOf(fault.path)}.fault`);
    setShown(Boolean(place));
    if (!place) return;
    unfold({ target: place } as unknown as Event);
    place.scrollIntoView({ block: 'center' });
    place.parentElement?.querySelector<HTMLElement>('input, select, textarea')?.focus({ preventScroll: true });
  }, [fault]);
  return isShown;
}

function Section({
  section: { title, fields, folded, foldTitle },
  offer,
}: {
  section: FormSection;
  offer: OfferedType | undefined;
}): JSX.Element | null {
  if (fields.length + folded.length === 0) return null;
  return (
    <section class="panel" aria-label={title}>
      <h2>{title}</h2>
      <OfferNotice offer={offer} />
      <div class="fields">
        {fields.map((each) => (
          <FieldInput key={each.path.join('.')} {...each} />
        ))}
      </div>
      {folded.length > 0 && (
        <Fold title={foldTitle} fields={folded.map(({ field }) => field)}>
          {folded.map((each) => (
            <FieldInput key={each.path.join('.')} {...each} />
          ))}
        </Fold>
      )}
    </section>
  );
}
