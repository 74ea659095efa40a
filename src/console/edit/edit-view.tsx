import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';

import { Empty, Loaded } from '../elements/notices.js';
import { bodyOf, client } from '../requests/client.js';
import { useReader, type Reader } from '../requests/reader.js';
import { useAnswer } from '../requests/use-answer.js';
import { linkTo, PROJECT, type PageAddress } from '../shell/address.js';
import type { ViewProps } from '../shell/view.js';
import { AlarmForm } from './alarm-form.js';
import { copyOf, draftOf, newDraft } from './draft.js';
import { alarmTypesOf, fieldsOf, type JsonSchema, type RuleForm } from './form-fields.js';
import { keptDraft, type KeptDraft } from './kept-draft.js';
import { readStored, type StoredVersion } from './stored.js';
import { TypeChoice } from './type-choice.js';

/** A form for a new alarm, or for a stored one. Its fields are those of the schema that the API publishes. */
export function EditView({ address }: ViewProps): JSX.Element {
  const { id } = address;
  const reader = useReader();
  const schema = useAnswer<JsonSchema>('schema', (signal) => bodyOf(client.GET('/v1/alarm-schema', { signal })));
  const copied = id ?? address.query.get('copy') ?? undefined;
  const source = useAnswer(copied && `${copied} ${address.query.get(PROJECT) ?? ''}`, (signal) =>
    readStored(copied ?? '', signal),
  );
  const title = id === undefined ? 'New alarm' : 'Edit alarm';
  useEffect(() => {
    document.title = `${title} · Tocsin`;
  }, [title]);
  return (
    <section aria-labelledby="title">
      <p>
        {id === undefined ? (
          <a href={linkTo('alarms')}>← Alarms</a>
        ) : (
          <a href={linkTo('alarm', id)}>← Back to the alarm</a>
        )}
      </p>
      <div class="heading">
        <h1 id="title">{title}</h1>
        {id !== undefined && reader.isWriter && (
          <a class="button" href={linkTo('new', undefined, { copy: id })}>
            Make a copy instead
          </a>
        )}
      </div>
      {reader.isWriter ? (
        <Loaded answer={schema} what="the form">
          {(root) =>
            copied === undefined ? (
              <NewAlarm root={root} address={address} reader={reader} />
            ) : (
              <Loaded answer={source} what="the alarm">
                {(stored) =>
                  stored === null ? (
                    <Empty>There is no such alarm, or it belongs to a project whose alarms you may not see.</Empty>
                  ) : (
                    <StoredAlarmForm
                      key={stored.tag}
                      root={root}
                      reader={reader}
                      id={id}
                      kept={startOf(stored, id)}
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
function startOf({ alarm, tag }: StoredVersion, id: string | undefined): KeptDraft {
  if (id !== undefined) return { draft: draftOf(alarm), base: draftOf(alarm), tag };
  return { draft: copyOf(alarm), base: copyOf(alarm), tag: undefined };
}

function NewAlarm({ root, address, reader }: { root: JsonSchema; address: PageAddress; reader: Reader }): JSX.Element {
  const types = alarmTypesOf(root);
  const rule = types.find(({ type }) => type === address.query.get('type'));
  if (!rule) return <TypeChoice types={types} />;
  const start = newDraft(rule);
  const key = keyOf(reader, `new ${rule.type} ${address.query.get(PROJECT) ?? ''}`);
  return (
    <AlarmForm
      key={key}
      keptAs={key}
      fields={fieldsOf(root, root)}
      rule={rule}
      start={{ draft: start, base: start, tag: undefined }}
      kept={keptDraft(key)}
      id={undefined}
    />
  );
}

function StoredAlarmForm({
  root,
  reader,
  id,
  kept: start,
  source,
}: {
  root: JsonSchema;
  reader: Reader;
  id: string | undefined;
  kept: KeptDraft;
  source: string;
}): JSX.Element {
  const { type } = start.draft;
  const rule: RuleForm | undefined = alarmTypesOf(root).find((each) => each.type === type);
  if (!rule) return <Empty>This page has no form for alarms of the type {String(type)}.</Empty>;
  const key = keyOf(reader, `${id === undefined ? 'copy' : 'edit'} ${source}`);
  return (
    <AlarmForm keptAs={key} fields={fieldsOf(root, root)} rule={rule} start={start} kept={keptDraft(key)} id={id} />
  );
}

/** A draft belongs to the user who wrote it. */
function keyOf({ user_id, project_id }: Reader, what: string): string {
  return JSON.stringify([user_id, project_id, what]);
}
