import { ADMIN, MEMBER, type Answered } from './api.js';
import { shown } from './field-meanings.js';
import type { FieldRig, FieldRow } from './silence-fields.js';

type Json = Record<string, unknown>;

const RECEIVER = { origin: 'https://hooks.example.com' };
const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
const inTurn = async (ask: (fields: Json) => Promise<string>, other: Json): Promise<string[]> => [
  await ask({}),
  await ask({}),
  await ask(other),
];

async function made({ api, empty }: FieldRig, fields: Json): Promise<string> {
  await empty();
  return withoutIds(await api().ask('POST', '/v1/receivers', { as: ADMIN, body: { ...RECEIVER, ...fields } }));
}

async function idOf({ api, empty }: FieldRig): Promise<string> {
  await empty();
  return (await api().ask('POST', '/v1/receivers', { as: MEMBER, body: RECEIVER })).json<{ id: string }>().id;
}

const withoutIds = (answer: Answered): string =>
  (answer.text.match(/(?<="id": ")[^"]*/g) ?? []).reduce((text, id) => text.replaceAll(id, '-'), shown(answer));

async function replaced(rig: FieldRig, fields: Json): Promise<string> {
  const id = await idOf(rig);
  return withoutIds(await rig.api().ask('PUT', `/v1/receivers/${id}`, { as: MEMBER, body: fields }));
}

/** The secret of the answer. Without one of the client it is a new one each time. */
async function rotated(rig: FieldRig, fields: Json): Promise<string> {
  const id = await idOf(rig);
  const answer = await rig.api().ask('POST', `/v1/receivers/${id}/secrets`, { as: MEMBER, body: fields });
  const isOwn = answer.json<{ secret: string }>().secret === SECRET;
  return `${answer.status} ${isOwn ? 'that of the client' : 'a new one'}`;
}

/** Numbers of the receivers that a list has, of two projects. */
async function listed({ api, empty }: FieldRig, search: string): Promise<string> {
  await empty();
  const ids: string[] = [];
  for (const project_id of ['p1', 'p2']) {
    const body = { ...RECEIVER, project_id };
    ids.push((await api().ask('POST', '/v1/receivers', { as: ADMIN, body })).json<{ id: string }>().id);
  }
  const list = (query: string): Promise<Answered> => api().ask('GET', `/v1/receivers?${query}`, { as: ADMIN });
  const { next } = (await list('limit=1')).json<{ next: string }>();
  const answer = await list(search.replace('NEXT', next));
  return `${answer.status} ${answer.json<{ receivers: object[] }>().receivers.length}`;
}

/** The rows of receivers. */
export function receiverRows(rig: FieldRig): Readonly<Record<string, FieldRow>> {
  return {
    ...Object.fromEntries(
      ['project_id=p2', 'limit=1', 'cursor=NEXT'].map((search): [string, FieldRow] => [
        `GET /v1/receivers ?${search.split('=')[0]}`,
        { answers: async () => [await listed(rig, ''), await listed(rig, ''), await listed(rig, search)] },
      ]),
    ),
    ...Object.fromEntries(
      Object.entries({ origin: 'https://other.example.com', name: 'n', description: 'd', project_id: 'p9' }).map(
        ([name, value]): [string, FieldRow] => [
          `POST /v1/receivers: ${name}`,
          { answers: () => inTurn((fields) => made(rig, fields), { [name]: value }) },
        ],
      ),
    ),
    ...Object.fromEntries(
      Object.entries({ name: 'n', description: 'd' }).map(([name, value]): [string, FieldRow] => [
        `PUT /v1/receivers/{id}: ${name}`,
        { answers: () => inTurn((fields) => replaced(rig, fields), { [name]: value }) },
      ]),
    ),
    ...Object.fromEntries(
      [
        { route: 'POST /v1/receivers', ask: made },
        { route: 'PUT /v1/receivers/{id}', ask: replaced },
      ].map(({ route, ask }): [string, FieldRow] => [
        `${route}: headers`,
        { answers: () => inTurn((fields) => ask(rig, fields), { headers: { 'X-Team': 'web' } }) },
      ]),
    ),
    'POST /v1/receivers/{id}/secrets: secret': {
      answers: () => inTurn((fields) => rotated(rig, fields), { secret: SECRET }),
    },
  };
}
