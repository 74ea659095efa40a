// Who may import whom. The floors, top to bottom: main, cli, app, {api, evaluator, notifier}, {storage, datasource,
// partition, keystone}, alarm. An arrow never runs up; rooms on one floor meet in the database or through ports that
// app.ts wires.

/** Rooms of src/ and the rooms (or single files) that each may import, besides itself and the ground floor. */
const MAY_IMPORT = {
  config: [],
  datasource: ['alarm'],
  egress: [],
  partition: ['redis', 'supervisor'],
  keystone: [],
  http: [],
  storage: ['alarm', 'role', 'datasource', 'partition'],
  evaluator: ['alarm', 'datasource', 'partition', 'storage', 'keystone', 'supervisor'],
  notifier: ['alarm', 'egress', 'storage', 'keystone', 'redis', 'supervisor'],
  api: ['alarm', 'egress', 'role', 'storage', 'keystone', 'supervisor'],
};

/** A store implements ports that its consumers declare, so it may know their types, and nothing else of them. */
const TYPES_ONLY = { storage: ['datasource', 'partition'] };

const GROUND = [
  'errors',
  'http',
  'clock',
  'async',
  'cache',
  'loopback',
  'make-directory',
  'server-urls',
  'logger',
  'telemetry',
  'config/secret',
];

const asPath = (names) => names.map((name) => `^src/${name}([/.]|$)`);

/** On the floor of the shells a port may be declared by one and implemented by another: types may be known sideways. */
const SHELLS = ['api', 'evaluator', 'notifier'];

const rooms = Object.entries(MAY_IMPORT).map(([room, others]) => ({
  name: `${room}-imports-its-floor-or-below`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: {
    path: '^src/',
    pathNot: asPath([room, ...others, ...GROUND]),
    ...(SHELLS.includes(room) ? { dependencyTypesNot: ['type-only'] } : {}),
  },
}));

const typesOnly = Object.entries(TYPES_ONLY).map(([room, others]) => ({
  name: `${room}-knows-only-types-of-its-consumers`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: asPath(others), dependencyTypesNot: ['type-only'] },
}));

/**
 * Where a request leaves the process: to servers that the operator chose, to the Aodh that is imported from, and to
 * receivers that users chose, each of whose addresses src/egress/ judges. A new way out passes through one of these.
 */
const WAYS_OUT = ['^src/http/', '^src/cli/import/', '^src/notifier/receivers/webhook/'];

/** Packages and the only places that may use them. */
const PACKAGES = [
  ['express', 'helmet'].map((name) => [name, ['^src/api/', '^src/management/']]),
  [['ioredis', ['^src/redis[.]ts$']]],
  [['bullmq', ['^src/notifier/']]],
  [['got', WAYS_OUT]],
  ['pg', '@electric-sql/pglite'].map((name) => [name, ['^src/storage/']]),
  [['openapi-fetch', ['^src/client/']]],
  ['preact', 'uplot'].map((name) => [name, ['^src/console/']]),
  [['proper-lockfile', ['^src/storage/', '^src/cli/']]],
  [['winston', ['^src/logger[.]ts$']]],
  [['prom-client', ['^src/telemetry[.]ts$']]],
  [['commander', ['^src/cli/']]],
  [['cli-table3', ['^src/cli/']]],
  [['yaml', ['^src/config/', '^src/cli/']]],
  [['re2js', ['^src/api/', '^src/storage/queries/pattern-worker']]],
  [['cron-parser', ['^src/alarm/']]],
  [['ipaddr.js', ['^src/egress/', '^src/config/', '^src/api/identity/']]],
].flat();

const packages = PACKAGES.map(([name, places]) => ({
  name: `${name.replace(/\W+/g, '-')}-has-its-place`,
  severity: 'error',
  from: { path: '^src/', pathNot: places },
  // Types are free: they vanish, and a port may speak of them.
  to: { path: `node_modules/(@types/)?${name}/`, dependencyTypesNot: ['type-only'] },
}));

module.exports = {
  forbidden: [
    ...rooms,
    ...typesOnly,
    ...packages,
    {
      name: 'core-is-pure',
      comment: 'What an alarm is and decides: no clock, no logger, no I/O.',
      severity: 'error',
      from: { path: '^src/alarm/' },
      to: { pathNot: ['^src/alarm/', '^src/errors[.]ts$', 'node_modules/(zod|cron-parser)/', '^(node:)?crypto$'] },
    },
    {
      name: 'ways-out-are-known',
      comment: 'Beside them src/api/http/ listens, and the client certificate of a Prometheus is read.',
      severity: 'error',
      from: { path: '^src/', pathNot: [...WAYS_OUT, '^src/api/http/', '^src/app/datasources/prometheus[.]ts$'] },
      to: { path: '^(node:)?(http|https|http2|tls|dgram)$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-the-top-imports-the-wiring',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(main|app)[.]ts$', '^src/(cli|app)/'] },
      to: { path: '^src/(main|app|cli)([/.]|$)' },
    },
    {
      name: 'the-client-stands-alone',
      comment: 'It speaks to the service by HTTP only, and runs in browsers too.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { pathNot: ['^src/client/', 'node_modules/openapi-fetch/'] },
    },
    {
      name: 'the-page-stands-alone',
      comment: 'It runs in browsers and speaks to the service by its client only.',
      severity: 'error',
      from: { path: '^src/console/' },
      to: { pathNot: ['^src/console/', '^src/client/', 'node_modules/(preact|uplot)/'] },
    },
    {
      name: 'nothing-imports-the-page',
      severity: 'error',
      from: { path: '^(src|dev)/', pathNot: '^src/console/' },
      to: { path: '^src/console/' },
    },
    {
      name: 'a-view-imports-no-view',
      comment: 'A view is a folder. What two views need is in one of the folders that are no views.',
      severity: 'error',
      from: { path: '^src/console/([^/]+)/', pathNot: '^src/console/shell/views[.]ts$' },
      to: { path: '^src/console/', pathNot: ['^src/console/$1/', '^src/console/(shell|requests|elements|chart)/'] },
    },
    {
      name: 'the-service-is-no-client-of-itself',
      comment: 'Programs of the API are: commands, the page, examples.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(client|cli|console)/' },
      to: { path: '^src/client/' },
    },
    {
      name: 'the-product-knows-no-developers-tools',
      comment: 'dev/ starts servers and installs packages; the product does neither.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(dev|bench|security|test|examples)/' },
    },
    {
      name: 'ground-floor-stands-alone',
      severity: 'error',
      from: { path: '^src/(errors|clock|logger|telemetry|server-urls|redis|supervisor|release-stack)[.]ts$' },
      to: { path: '^src/', pathNot: '^src/((errors|clock|logger|telemetry|server-urls|config/secret)[.]ts$|async/)' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/' },
      to: {},
    },
    {
      name: 'no-unlisted-packages',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'],
        pathNot: 'node_modules/@types/',
      },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      extensions: ['.ts', '.tsx', '.js'],
    },
  },
};
