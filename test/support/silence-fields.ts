import { ADMIN, MEMBER, type Answered, type TestApi } from './api.js';
import { shown, type Meaning } from './field-meanings.js';

type Json = Record<string, unknown>;

/** A field of a request, as in test/api/request-fields.test.ts. */
export interface FieldRow {
  meaning?: Meaning;
  answers: () => Promise<string[]>;
}

/** The API under test, and how its database is filled. */
export interface FieldRig {
  api: () => TestApi;
  threeAlarms: () => Promise<string[]>;
  empty: () => Promise<void>;
}

const START = new Date('2026-01-01T12:00:00Z');

const inTurn =
  <T>(ask: (given: T) => Promise<string>, base: T, other: T) =>
  async (): Promise<string[]> => [await ask(base), await ask(base), await ask(other)];
const both = (ask: (fields: Json) => Promise<string>, other: Json) => inTurn(ask, {}, other);

const SILENCE = {
  matchers: [{ field: 'name', value: 'a' }],
  starts_at: '2026-01-02T12:00:00Z',
  ends_at: '2026-01-02T13:00:00Z',
  reason: 'maintenance',
  owner: 'operators',
};
const NIGHTLY = { cron: '0 2 * * *', duration: 3_600, timezone: 'UTC' };

function setClock(api: TestApi, at: Date): void {
  api.clock.synchronise(at, api.clock.monotonicMs());
}

async function silenced({ api: given, threeAlarms }: FieldRig, path: string, fields: Json): Promise<string> {
  const api = given();
  const ids = await threeAlarms();
  const made = await api.ask('POST', '/v1/silences', { as: MEMBER, body: SILENCE });
  const { id } = made.json<{ id: string }>();
  const [method = '', route = ''] = path.split(' ');
  const body = { ...SILENCE, ...fields };
  const answer = await api.ask(method, route.replace('ID', id), { as: ADMIN, body: { project_ids: ['p1'], ...body } });
  const hidden = [...ids, ...(answer.text.match(/(?<="id": ")[^"]*/g) ?? [])];
  return hidden.reduce((text, one) => text.replaceAll(one, '-'), shown(answer));
}

async function listed({ api: given, empty }: FieldRig, search: string): Promise<string> {
  const api = given();
  await empty();
  setClock(api, START);
  const made: string[] = [];
  for (const fields of [{}, { starts_at: '2026-01-01T11:00:00Z' }]) {
    const body = { ...SILENCE, ...fields };
    made.push((await api.ask('POST', '/v1/silences', { as: MEMBER, body })).json<{ id: string }>().id);
    setClock(api, new Date(api.clock.now().getTime() + 1_000));
  }
  const list = (query: string): Promise<Answered> => api.ask('GET', `/v1/silences?${query}`, { as: ADMIN });
  const { next } = (await list('limit=1')).json<{ next: string }>();
  const answer = await list(search.replace('NEWER', next));
  setClock(api, START);
  if (answer.status !== 200) return shown(answer);
  return `200 ${answer
    .json<{ silences: { id: string }[] }>()
    .silences.map(({ id }) => made.indexOf(id))
    .join()}`;
}

/** Another value of each field. A preview ignores the fields that do not select alarms. */
const SILENCE_FIELDS: Record<string, { fields: Json; preview: Meaning }> = {
  'matchers[].field': { fields: { matchers: [{ field: 'alarm_id', value: 'a' }] }, preview: 'meant' },
  'matchers[].value': { fields: { matchers: [{ field: 'name', value: '*' }] }, preview: 'meant' },
  starts_at: { fields: { starts_at: '2026-01-02T14:00:00Z' }, preview: 'refused' },
  ends_at: { fields: { ends_at: '2026-01-01T00:00:00Z' }, preview: 'refused' },
  'recurrence.cron': { fields: { recurrence: { ...NIGHTLY, cron: 'x' } }, preview: 'refused' },
  'recurrence.duration': { fields: { recurrence: { ...NIGHTLY, duration: 0 } }, preview: 'refused' },
  'recurrence.timezone': { fields: { recurrence: { ...NIGHTLY, timezone: 'x' } }, preview: 'refused' },
  reason: { fields: { reason: '' }, preview: 'refused' },
  owner: { fields: { owner: '' }, preview: 'refused' },
  project_ids: { fields: { project_ids: ['p2'] }, preview: 'meant' },
  all_projects: { fields: { all_projects: true }, preview: 'refused' },
};
async function paused({ api: given, empty }: FieldRig, body: Json): Promise<string> {
  const api = given();
  await empty();
  await api.ask('PUT', '/v1/delivery-pauses/p1', { as: MEMBER, body });
  return shown(await api.ask('GET', '/v1/delivery-pauses', { as: MEMBER }));
}

/** The rows of silences and of delivery pauses. */
export function silenceRows(rig: FieldRig): Readonly<Record<string, FieldRow>> {
  return {
    ...Object.fromEntries(
      Object.entries({ status: 'active', project_id: 'p2', limit: '1', cursor: 'NEWER' }).map(
        ([name, value]): [string, FieldRow] => [
          `GET /v1/silences ?${name}`,
          { answers: inTurn((search) => listed(rig, search), '', `${name}=${value}`) },
        ],
      ),
    ),
    'GET /v1/silences ?alarm_id': {
      answers: inTurn((search) => listed(rig, search), '', 'alarm_id=none'),
      meaning: 'refused',
    },
    ...Object.fromEntries(
      Object.entries(SILENCE_FIELDS).flatMap(([name, { fields, preview }]): [string, FieldRow][] => [
        [
          `POST /v1/silences: ${name}`,
          { answers: both((f) => silenced(rig, 'POST /v1/silences', f), fields), meaning: preview },
        ],
        [
          `POST /v1/silences/preview: ${name}`,
          { answers: both((f) => silenced(rig, 'POST /v1/silences/preview', f), fields), meaning: preview },
        ],
        [
          `PUT /v1/silences/{id}: ${name}`,
          {
            answers: both((f) => silenced(rig, 'PUT /v1/silences/ID', f), fields),
            meaning: name === 'project_ids' ? 'refused' : preview,
          },
        ],
      ]),
    ),
    ...Object.fromEntries(
      Object.entries({ ends_at: '2099-01-01T12:00:00Z', reason: 'moved' }).map(([name, value]): [string, FieldRow] => [
        `PUT /v1/delivery-pauses/{project}: ${name}`,
        { answers: both((body) => paused(rig, body), { [name]: value }) },
      ]),
    ),
  };
}
