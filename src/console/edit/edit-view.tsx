import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';

import { draftKey } from '../elements/kept-draft.js';
import { Empty, Loaded } from '../elements/notices.js';
import { Back, NoSuch } from '../elements/one-object.js';
import { readAlarm, type AlarmVersion } from '../requests/alarm-version.js';
import { bodyOf, client } from '../requests/client.js';
import { usePageUser, type PageUser } from '../requests/page-user.js';
import { useAnswer } from '../requests/use-answer.js';
import { linkTo, PROJECT, type PageAddress } from '../shell/address.js';
import type { ViewProps } from '../shell/view.js';
import { AlarmForm } from './alarm-form.js';
import { copyOf, draftOf, newDraft } from './draft.js';
import { alarmTypesOf, fieldsOf, type JsonSchema, type RuleForm } from './form-fields.js';
import { TypeChoice } from './type-choice.js';
import type { KeptAlarm } from './use-saving.js';

/** A form for a new alarm, or for a stored one. Its fields are those of the schema that the API publishes. */
export function EditView({ address }: ViewProps): JSX.Element {
  const { id } = address;
  const user = usePageUser();
  const schema = useAnswer<JsonSchema>('schema', (signal) => bodyOf(client.GET('/v1/alarm-schema', { signal })));
  const copied = id ?? address.query.get('copy') ?? undefined;
  const source = useAnswer(copied && `${copied} ${address.query.get(PROJECT) ?? ''}`, (signal) =>
    readAlarm(copied ?? '', signal),
  );
  const title = id === undefined ? 'New alarm' : 'Edit alarm';
  useEffect(() => {
    document.title = `${title} · Tocsin`;
  }, [title]);
  return (
    <section aria-labelledby="title">
      <Back view={id === undefined ? 'alarms' : 'alarm'} id={id}>
        {id === undefined ? 'Alarms' : 'The alarm'}
      </Back>
      <div class="heading">
        <h1 id="title">{title}</h1>
        {id !== undefined && user.isWriter && (
          <a class="button" href={linkTo('new', undefined, { copy: id })}>
            Make a copy instead
          </a>
        )}
      </div>
      {user.isWriter ? (
        <Loaded answer={schema} what="the form">
          {(root) =>
            copied === undefined ? (
              <NewAlarm root={root} address={address} user={user} />
            ) : (
              <Loaded answer={source} what="the alarm">
                {(stored) =>
                  stored === null ? (
                    <NoSuch what="alarm" />
                  ) : (
                    <StoredAlarmForm
                      key={stored.tag}
                      root={root}
                      user={user}
                      id={id}
                      start={startOf(stored, id)}
                      source={copied}
                    />
                  )
                }
              </Loaded>
            )
          }
        </Loaded>
      ) : (
        <Empty>You may read alarms, but not change them.</Empty>
      )}
    </section>
  );
}

/** The draft with which the form opens: of an edit, or of a copy. */
function startOf({ alarm, tag }: AlarmVersion, id: string | undefined): KeptAlarm {
  if (id !== undefined) return { draft: draftOf(alarm), base: draftOf(alarm), tag };
  return { draft: copyOf(alarm), base: copyOf(alarm), tag: undefined };
}

function NewAlarm({ root, address, user }: { root: JsonSchema; address: PageAddress; user: PageUser }): JSX.Element {
  const types = alarmTypesOf(root);
  const rule = types.find(({ type }) => type === address.query.get('type'));
  if (!rule) return <TypeChoice types={types} />;
  const [meter, resource] = ['meter', 'resource'].map((name) => address.query.get(name) ?? undefined);
  const start = newDraft(rule, { meter, resource });
  const key = draftKey(user, ['new', rule.type, meter, resource, address.query.get(PROJECT)].filter(Boolean).join(' '));
  return (
    <AlarmForm
      key={key}
      keptAs={key}
      fields={fieldsOf(root, root)}
      rule={rule}
      start={{ draft: start, base: start, tag: undefined }}
      id={undefined}
    />
  );
}

function StoredAlarmForm({
  root,
  user,
  id,
  start,
  source,
}: {
  root: JsonSchema;
  user: PageUser;
  id: string | undefined;
  start: KeptAlarm;
  source: string;
}): JSX.Element {
  const { type } = start.draft;
  const rule: RuleForm | undefined = alarmTypesOf(root).find((each) => each.type === type);
  if (!rule) return <Empty>This page has no form for alarms of the type {String(type)}.</Empty>;
  const key = draftKey(user, `${id === undefined ? 'copy' : 'edit'} ${source}`);
  return <AlarmForm keptAs={key} fields={fieldsOf(root, root)} rule={rule} start={start} id={id} />;
}
