import type { JSX, TargetedSubmitEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { Field } from '../elements/fields.js';
import { Failure } from '../elements/notices.js';
import { Time } from '../elements/time.js';
import { bodyOf, client } from '../requests/client.js';
import { authMode, recheckSessionInAllTabs } from '../requests/session.js';
import { now } from '../shell/clock.js';
import { SIGN_IN_METHODS, type SignInBody, type SignInField, type SignInMethod } from './sign-in-methods.js';

/** The form to sign in, in place of a view. The address stays, so its view is shown afterwards. */
export function SignInView(): JSX.Element {
  const methods = SIGN_IN_METHODS[authMode() ?? 'noauth'];
  const [chosen, setChosen] = useState(methods[0]);
  return (
    <section class="sign-in panel" aria-labelledby="title">
      <h1 id="title">Sign in</h1>
      {chosen === undefined ? (
        <p>The service was started with another auth.mode. Reload the page to sign in.</p>
      ) : (
        <>
          {methods.length > 1 && <MethodChoice methods={methods} chosen={chosen} onChoose={setChosen} />}
          <SignInForm key={chosen.name} method={chosen} />
        </>
      )}
    </section>
  );
}

function MethodChoice({
  methods,
  chosen,
  onChoose,
}: {
  methods: readonly SignInMethod[];
  chosen: SignInMethod;
  onChoose: (method: SignInMethod) => void;
}): JSX.Element {
  return (
    <fieldset class="methods">
      <legend>Sign in with</legend>
      {methods.map((method) => (
        <label key={method.name}>
          <input type="radio" name="method" checked={method === chosen} onChange={() => onChoose(method)} />
          {method.name}
        </label>
      ))}
    </fieldset>
  );
}

/** Why the last attempt was refused. */
interface SignInRefusal {
  failure: unknown;
  /** After too many failures: when the next attempt is allowed. */
  retryAt: Date | undefined;
}

function SignInForm({ method }: { method: SignInMethod }): JSX.Element {
  const form = useRef<HTMLFormElement>(null);
  const [progress, setProgress] = useState<{ isSending: boolean; refusal?: SignInRefusal | undefined }>({
    isSending: false,
  });
  useEffect(() => {
    // The focus stays on the choice of the method while the user moves through it by keyboard.
    if (!(document.activeElement instanceof HTMLInputElement)) form.current?.querySelector('input')?.focus();
  }, []);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    setProgress({ isSending: true });
    void signIn(new FormData(event.currentTarget)).then((refusal) => {
      setProgress({ isSending: false, refusal });
      if (refusal === undefined) recheckSessionInAllTabs();
    });
  };
  const { isSending, refusal } = progress;
  return (
    <form ref={form} class="fields" onSubmit={submit}>
      {method.hint !== undefined && <p class="muted">{method.hint}</p>}
      {method.fields.map((field) => (
        <CredentialField key={field.name} field={field} />
      ))}
      {refusal && <Failure failure={refusal.failure} />}
      {refusal?.retryAt && (
        <p>
          Try again after <Time at={refusal.retryAt.toISOString()} form="time" />.
        </p>
      )}
      <div class="actions">
        <button class="primary" disabled={isSending}>
          {isSending ? 'Signing in …' : 'Sign in'}
        </button>
      </div>
    </form>
  );
}

function CredentialField({ field }: { field: SignInField }): JSX.Element {
  const { name, label, hint, autocomplete, isSecret = false, isOptional = false, initial } = field;
  const shared = {
    name,
    autocomplete,
    autocapitalize: 'none',
    spellcheck: false,
    required: !isOptional,
    defaultValue: initial,
  } as const;
  return (
    <Field label={label} hint={hint}>
      {isSecret ? <input type="password" {...shared} /> : <input type="text" {...shared} />}
    </Field>
  );
}

/** Resolves to the refusal, or to undefined if a session has begun. */
async function signIn(fields: FormData): Promise<SignInRefusal | undefined> {
  // A pasted key or token often has blanks around it; a password may begin with one.
  const texts = [...fields].map(([name, value]) => {
    const text = typeof value === 'string' ? value : '';
    return [name, name === 'password' ? text : text.trim()] as const;
  });
  const body = Object.fromEntries(texts.filter(([, text]) => text !== '')) as SignInBody;
  let retryAt: Date | undefined;
  try {
    const answer = await client.POST('/v1/session', { body });
    const seconds = answer.response.headers.get('Retry-After');
    if (seconds !== null) retryAt = new Date(now().getTime() + Number(seconds) * 1_000);
    await bodyOf(Promise.resolve(answer));
    return undefined;
  } catch (failure) {
    return { failure, retryAt };
  }
}
