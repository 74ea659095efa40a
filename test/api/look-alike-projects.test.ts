import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, startApi, thresholdBody, type Answered, type Caller, type TestApi } from '../support/api.js';
import { embeddedDatabase, serverDatabase } from '../support/databases.js';
import { describeWithPostgres } from '../support/servers.js';
import { storeSample } from '../support/stored-alarms.js';
import { storeNotification } from '../support/stored-notifications.js';

/**
 * Ids that some conversion takes for each other: as integers, floats, booleans, moments, patterns, or in another letter
 * case.
 */
const PROJECTS = [
  ...['0', '00', '-0', '7', '007', '+7', '07', '7.0', '0x7', '1', '1.0', '01', '1e0', 'true', 'True', 'yes', 't', 'on'],
  ...['false', 'no', 'off', '1000', '1e3', '1000.0', '9007199254740992', '9007199254740993'],
  ...['Infinity', 'NaN', 'None', 'null'],
  ...['2026-01-01', '2026-01-01T00:00:00', '2026-01-01T00:00:00Z', 'p_', 'pq', '%', '_', 'P_', "'", '\\'],
];
const TYPES = ['', 'string', 'integer', 'float', 'boolean', 'datetime'];
const FIELDS = ['project', 'project_id'];
const NOON = Date.parse('2026-01-01T12:00:00Z');
const REFUSED = [400, 401, 403, 404];

const caller = (project: string): Caller => ({ 'x-user-id': 'u', 'x-project-id': project, 'x-roles': 'member' });
/** A text and a number that stand in the data of one project only. */
const markOf = (project: string): string => `marker-${PROJECTS.indexOf(project)}-`;
const volumeOf = (project: string): number => 1000.25 + PROJECTS.indexOf(project);
const MARKS = /marker-(\d+)-/g;
const VOLUMES = /\b(10\d\d)\.25\b/g;

/** Projects whose data an answer shows. */
function projectsIn({ text }: Answered): Set<string> {
  const marked = [...text.matchAll(MARKS)].map(([, index]) => Number(index));
  const measured = [...text.matchAll(VOLUMES)].map(([, volume]) => Number(volume) - 1000);
  return new Set([...marked, ...measured].map((index) => PROJECTS[index] ?? `unknown ${index}`));
}

/** Ids that a conversion may take for the same, and one that none does. */
function othersLike(own: string): string[] {
  const next = PROJECTS[(PROJECTS.indexOf(own) + 1) % PROJECTS.length]!;
  return [
    ...new Set([...PROJECTS.filter((other) => readings(other).some((one) => readings(own).includes(one))), next]),
  ].filter((other) => other !== own);
}

function readings(id: string): string[] {
  const boolean = /^(1|t|true|on|y|yes)$/i.test(id) ? 'true' : /^(0|f|false|off|n|no)$/i.test(id) ? 'false' : undefined;
  const isNumber = Number.isFinite(Number(id));
  return [
    id.toLowerCase().slice(0, 10),
    ...(boolean === undefined ? [] : [boolean]),
    ...(isNumber ? [`${Number(id)}`] : []),
  ];
}

type Asked = [own: string, method: string, path: string, body?: unknown];
interface Form {
  field: string;
  type: string;
  value: string;
}

/** Each field with each type, naming the caller's own project, and with one type naming each that looks like it. */
function formsOf(own: string): Form[] {
  const others = othersLike(own);
  return [
    ...FIELDS.flatMap((field) => TYPES.map((type) => ({ field, type, value: own }))),
    ...others.map((value, index) => ({ field: FIELDS[index % 2]!, type: TYPES[index % TYPES.length]!, value })),
  ];
}

function searchOf({ field, type, value }: Form): string {
  return new URLSearchParams({ 'q.field': field, 'q.op': 'eq', 'q.value': value, 'q.type': type }).toString();
}

/**
 * The embedded database gets one in so many of the requests: the code that tells projects apart does not know the
 * database. A prime number, so that the requests taken differ from project to project.
 */
const ONE_IN_EMBEDDED = 11;

function suite(open: () => Promise<Database>, oneIn: number): void {
  const sampleOf = <Item>(all: readonly Item[], offset = 0): Item[] =>
    all.filter((_, index) => (index + offset) % oneIn === 0);
  let db: Database;
  let api: TestApi;
  const alarmOf = new Map<string, string>();

  beforeAll(async () => {
    db = await open();
    api = await startApi(db);
    for (const project of PROJECTS) await plant(project);
  });
  afterAll(async () => {
    await api.close();
    await db.close();
  });

  async function plant(project: string): Promise<void> {
    const as = caller(project);
    const mark = markOf(project);
    const counter = {
      counter_type: 'gauge',
      counter_unit: '%',
      counter_volume: volumeOf(project),
      resource_id: `${mark}r`,
    };
    const posted = await api.ask('POST', '/v2/meters/cpu', {
      as,
      body: [{ ...counter, timestamp: new Date(NOON - 30_000) }],
    });
    expect(posted.status).toBe(201);
    alarmOf.set(project, await api.create({ ...thresholdBody(), name: `${mark}alarm` }, as));
    const event = { name: `${mark}event`, type: 'event', event_rule: { event_type: '*' }, repeat_actions: true };
    alarmOf.set(`event of ${project}`, await api.create(event, as));
    const body = `{"alarm_name": "${mark}alarm"}`;
    await storeNotification(db, {
      id: `${mark}n`,
      alarmId: alarmOf.get(project)!,
      projectId: project,
      status: 'dead',
      body,
    });
    const quotas = { project_id: project, quotas: [{ resource: 'alarms', limit: 5000 + PROJECTS.indexOf(project) }] };
    expect((await api.ask('POST', '/v2/quotas', { as: ADMIN, body: quotas })).status).toBe(201);
  }

  const refused = { status: 0, shown: new Set<string>() };

  /** The rows of an answer; none for a refusal. */
  async function shown(own: string, method: string, path: string, body?: unknown): Promise<typeof refused> {
    const answer = await api.ask(method, path, { as: caller(own), body });
    if (REFUSED.includes(answer.status)) return { ...refused, status: answer.status };
    const reads = method === 'GET' || path.startsWith('/v2/query');
    if (reads && answer.status !== 200) throw new Error(`${method} ${path} answers ${answer.status} ${answer.text}`);
    return { status: answer.status, shown: projectsIn(answer) };
  }

  /** Descriptions of requests that leaked data. None is expected. */
  async function leaksOf(all: readonly Asked[]): Promise<string[]> {
    const leaks: string[] = [];
    let answered = 0;
    for (const [own, method, path, body] of sampleOf(all)) {
      const { status, shown: projects } = await shown(own, method, path, body);
      if (status < 400) answered += 1;
      const foreign = [...projects].filter((project) => project !== own);
      if (foreign.length > 0)
        leaks.push(`${own}: ${method} ${path} ${JSON.stringify(body)} shows ${foreign.join(' ')}`);
    }
    expect(answered).toBeGreaterThanOrEqual(Math.ceil(PROJECTS.length / oneIn));
    return leaks;
  }

  test.each([
    '/v2/alarms?',
    '/v2/meters?',
    '/v2/meters/cpu?',
    '/v2/meters/cpu/statistics?',
    '/v2/meters/cpu/statistics?groupby=project_id&',
    '/v2/resources?',
  ])('GET %s with a condition on a project shows the data of the caller’s project only', async (path) => {
    const asked = PROJECTS.flatMap((own) => formsOf(own).map((form) => [own, 'GET', path + searchOf(form)] as Asked));
    expect(await leaksOf(asked)).toEqual([]);
  });

  test(
    'GET of history, explain, notifications, quotas and pauses ' + 'shows the data of the caller’s project only',
    async () => {
      const asked = PROJECTS.flatMap((own) =>
        [
          ...formsOf(own).map((form) => `/v2/alarms/${alarmOf.get(own)}/history?${searchOf(form)}`),
          ...[own, ...othersLike(own)].flatMap((other) => [
            `/v2/alarms/${alarmOf.get(other)}`,
            `/v2/alarms/${alarmOf.get(other)}/history`,
            `/v2/alarms/${alarmOf.get(other)}/explain`,
            `/v1/notifications?alarm_id=${alarmOf.get(other)}`,
            `/v1/notifications?marker=${markOf(other)}n`,
            `/v1/notifications/${markOf(other)}n/attempts`,
            `/v2/resources/${markOf(other)}r`,
          ]),
          '/v1/notifications',
          '/v1/delivery-pauses',
          '/v1/silences',
        ].map((path) => [own, 'GET', path] as Asked),
      );
      expect(await leaksOf(asked)).toEqual([]);
    },
  );

  test('GET /v2/quotas of another project is refused, also for ids that look alike', async () => {
    for (const own of PROJECTS) {
      const statuses = new Set<number>();
      for (const other of [own, ...othersLike(own)]) {
        const { status } = await api.ask('GET', `/v2/quotas?project_id=${encodeURIComponent(other)}`, {
          as: caller(own),
        });
        if (other === own) expect(status).toBe(200);
        else statuses.add(status);
      }
      expect([...statuses]).toEqual([403]);
    }
  });

  /** The value as JSON can say it: a text, and a number or a boolean where the text looks like one. */
  function valuesOf(project: string): unknown[] {
    const number = Number(project);
    return [
      project,
      ...(project !== '' && Number.isFinite(number) ? [number] : []),
      ...(/^(true|false|yes|no|on|off|t|1|0)$/i.test(project) ? [/^(true|yes|on|t|1)$/i.test(project)] : []),
    ];
  }

  test.each(['alarms', 'alarms/history'])(
    'POST /v2/query/%s shows the data of the caller’s project only',
    async (kind) => {
      const fields = [...FIELDS, 'on_behalf_of'];
      const always = { '!=': { alarm_id: '' } };
      const around = [
        (leaf: object) => leaf,
        (leaf: object) => ({ or: [leaf, always] }),
        (leaf: object) => ({ not: leaf }),
        (leaf: object) => ({ and: [{ not: leaf }, always] }),
      ];
      const leavesOf = (field: string, project: string): object[] => [
        ...valuesOf(project).flatMap((value) => [
          { '=': { [field]: value } },
          { in: { [field]: [value] } },
          { '!=': { [field]: value } },
        ]),
        { like: { [field]: project } },
        { '>=': { [field]: project } },
      ];
      const filters = (own: string): object[] => {
        const leaves = [own, PROJECTS[(PROJECTS.indexOf(own) + 1) % PROJECTS.length]!].flatMap((project) =>
          fields.flatMap((field) => leavesOf(field, project)),
        );
        return [always, ...leaves.map((leaf, index) => around[index % around.length]!(leaf))];
      };
      const asked = PROJECTS.flatMap((own) =>
        filters(own).map((filter) => {
          const body = { filter: JSON.stringify(filter) };
          return [own, 'POST', `/v2/query/${kind}`, body] as Asked;
        }),
      );
      expect(await leaksOf(asked)).toEqual([]);
    },
  );

  const ruleWith = (query: object[]): object =>
    thresholdBody({
      threshold_rule: { meter_name: 'cpu', threshold: 1, comparison_operator: 'gt', statistic: 'max', query },
    });

  /** Each form alone, and beside another condition on the caller's project. */
  function queriesOf(own: string): object[][] {
    const conditions = formsOf(own).map((form) => ({ ...form, op: 'eq' }));
    const beside = TYPES.map((type) => [
      { field: 'project', value: own, type },
      { field: 'project_id', value: own },
      { field: 'metadata.project_id', value: own, type },
    ]);
    return [
      [],
      ...conditions.map((condition) => [condition]),
      ...beside.map(([a, b]) => [a!, b!]),
      ...beside.map((all) => all),
    ];
  }

  /** Projects whose samples the alarm is judged by. */
  async function explainedProjects(as: string, id: string): Promise<string[]> {
    const explained = await api.ask('GET', `/v2/alarms/${id}/explain`, { as: caller(as) });
    expect(explained.status).toBe(200);
    const text = JSON.stringify(explained.json<{ questions: object }>().questions);
    return [...projectsIn({ ...explained, text })];
  }

  test('a threshold alarm is judged by the samples of its own project only', async () => {
    const leaks: string[] = [];
    let judged = 0;
    const rules = PROJECTS.flatMap((own) => queriesOf(own).map((query) => ({ own, query })));
    for (const { own, query } of sampleOf(rules)) {
      const created = await api.ask('POST', '/v2/alarms', { as: caller(own), body: ruleWith(query) });
      if (created.status !== 201) {
        expect(REFUSED).toContain(created.status);
        continue;
      }
      const { alarm_id: id } = created.json<{ alarm_id: string }>();
      const seen = await explainedProjects(own, id);
      judged += 1;
      if (seen.some((project) => project !== own))
        leaks.push(`${own}: ${JSON.stringify(query)} reads ${seen.join(' ')}`);
      const named = JSON.stringify(query).includes('metadata');
      if (!named && !seen.includes(own)) leaks.push(`${own}: ${JSON.stringify(query)} does not read its own samples`);
    }
    expect(leaks).toEqual([]);
    expect(judged).toBeGreaterThan((PROJECTS.length * 10) / oneIn);
  });

  test('a backtest reads the samples of its own project only', async () => {
    const span = { start: '2026-01-01T11:59:00Z', stop: '2026-01-01T12:00:00Z' };
    const asked = PROJECTS.flatMap((own) =>
      TYPES.map((type) => {
        const alarm = ruleWith([{ field: 'project_id', value: own, type }]);
        return [own, 'POST', '/v2/alarms/backtest', { alarm, ...span }] as Asked;
      }),
    );
    expect(await leaksOf(asked)).toEqual([]);
  });

  test('an imported threshold alarm reads the samples of the project that it is imported for', async () => {
    for (const project of ['007', '1e3', 'yes', '9007199254740993']) {
      const query = [{ field: 'project_id', op: 'eq', value: project, type: 'float' }].map((item) =>
        project === 'yes' ? { ...item, type: 'boolean' } : item,
      );
      const document = { ...ruleWith(query), alarm_id: `imported-${project}`, project_id: project, user_id: 'u' };
      const imported = await api.ask('POST', '/v1/imports', { as: ADMIN, body: [document] });
      expect(imported.json<{ outcome: string }[]>()).toMatchObject([{ outcome: 'created' }]);
      expect(await explainedProjects(project, `imported-${project}`)).toEqual([project]);
      expect((await api.ask('DELETE', `/v2/alarms/imported-${project}`, { as: ADMIN })).status).toBe(204);
    }
  });

  test('samples are stored for the caller’s project only, also when the id in the body looks alike', async () => {
    for (const own of PROJECTS) {
      for (const other of [own, ...othersLike(own)].flatMap(valuesOf)) {
        if (other === own) continue;
        const body = [
          { counter_type: 'gauge', counter_unit: '%', counter_volume: 1, resource_id: 'r', project_id: other },
        ];
        expect(REFUSED).toContain((await api.ask('POST', '/v2/meters/other', { as: caller(own), body })).status);
      }
    }
  });

  test('an event fires alarms of the caller’s project only, with any type of its trait', async () => {
    const fired = async (): Promise<string[]> => {
      const { rows } = await db.query<{ project_id: string }>(
        `select distinct project_id from alarms where type = 'event' and state = 'alarm'`,
      );
      return rows.map(({ project_id }) => project_id);
    };
    const types = [1, 2, 3, 4, 'integer', 'float', 'string', 'text'];
    const eventsOf = (own: string): object[] =>
      types.flatMap((type) =>
        valuesOf(own).flatMap((value) =>
          ['project_id', 'tenant_id'].map((name) => {
            const id = `${own}-${type}-${typeof value}-${name}`;
            return { message_id: id, event_type: 'x', traits: [[name, type, value]] };
          }),
        ),
      );
    let accepted = 0;
    for (const [index, own] of PROJECTS.entries()) {
      await db.query(`update alarms set state = 'insufficient data' where type = 'event'`);
      for (const event of sampleOf(eventsOf(own), index)) {
        const { status } = await api.ask('POST', '/v2/events', { as: caller(own), body: [event] });
        expect([200, ...REFUSED]).toContain(status);
        if (status === 200) accepted += 1;
      }
      expect([own, (await fired()).filter((project) => project !== own)]).toEqual([own, []]);
    }
    expect(accepted).toBeGreaterThan(PROJECTS.length / oneIn);
  });

  test(
    'an alarm of an earlier release, whose scope is in its conditions, ' + 'reads the samples of its own project only',
    async () => {
      for (const [project, type] of [
        ['007', 'integer'],
        ['1.0', 'float'],
        ['1e3', 'float'],
        ['yes', 'boolean'],
      ] as const) {
        const id = await api.create(ruleWith([{ field: 'project', value: project, type }]), caller(project));
        await db.query(
          `update alarms set rule = regexp_replace(rule, ', "scope_to_project": "[^"]*"', '') where id = $1`,
          [id],
        );
        expect(await explainedProjects(project, id)).toEqual([project]);
      }
    },
  );

  test('an admin reads the samples of all projects, and of the project that a condition names', async () => {
    await storeSample(db, 'admins', { volume: 5, at: new Date(NOON - 30_000), project: '7' });
    const id = await api.create(
      thresholdBody({
        threshold_rule: { meter_name: 'admins', threshold: 1, query: [{ field: 'project_id', value: '7' }] },
      }),
      ADMIN,
    );
    const explained = await api.ask('GET', `/v2/alarms/${id}/explain`, { as: ADMIN });
    expect(explained.json<{ questions: object[] }>().questions).toMatchObject([{ datapoints: [{ value: 5 }] }]);
  });
}

describe('projects with ids that look alike, in PGlite', () => suite(embeddedDatabase, ONE_IN_EMBEDDED));
describeWithPostgres('projects with ids that look alike, in PostgreSQL', () => suite(serverDatabase, 1));
