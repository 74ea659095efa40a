import eslint from '@eslint/js';
import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';

/** Built up per area, because a later `no-restricted-syntax` replaces an earlier one. */
const BANS = {
  time: [
    {
      selector: "NewExpression[callee.name='Date'][arguments.length=0]",
      message: 'Time comes from the Clock port (src/clock.ts).',
    },
    {
      selector: "MemberExpression[object.name=/^(Date|performance)$/][property.name='now']",
      message: 'Time comes from the Clock port (src/clock.ts).',
    },
    { selector: "CallExpression[callee.name='Date']", message: 'Time comes from the Clock port (src/clock.ts).' },
    { selector: "MemberExpression[property.name='hrtime']", message: 'Time comes from the Clock port (src/clock.ts).' },
    {
      selector: "CallExpression[callee.object.name='AbortSignal'][callee.property.name='timeout']",
      message: 'Timers belong to src/clock.ts: sleep and abort.',
    },
  ],
  exports: [
    { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
    { selector: 'ExportAllDeclaration', message: 'List the names that are exported.' },
  ],
  markup: [
    {
      selector:
        'Identifier[name=/^(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|dangerouslySetInnerHTML|srcdoc)$/]',
      message: 'Texts of users reach the page as text nodes only.',
    },
    {
      selector:
        'Literal[value=/^(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|dangerouslySetInnerHTML|srcdoc)$/]',
      message: 'Texts of users reach the page as text nodes only.',
    },
    {
      selector: 'JSXIdentifier[name=/^(dangerouslySetInnerHTML|srcdoc|srcDoc)$/]',
      message: 'Texts of users reach the page as text nodes only.',
    },
    {
      selector: "CallExpression[callee.object.name='document'][callee.property.name=/^(write|writeln)$/]",
      message: 'Texts of users reach the page as text nodes only.',
    },
  ],
  mocks: [
    {
      selector: "CallExpression[callee.object.name='jest'][callee.property.name=/^(mock|unstable_mockModule|doMock)$/]",
      message: 'No module is mocked: pass a fake through the port.',
    },
    {
      selector: 'MemberExpression[object.name=/^(test|it|describe)$/][property.name=/^(skip|only|todo)$/]',
      message:
        'No test is skipped or singled out; what needs a server goes through describeWith of test/support/servers.ts.',
    },
    {
      selector: 'CallExpression[callee.name=/^(xit|xtest|xdescribe|fit|fdescribe)$/]',
      message: 'No test is skipped or singled out.',
    },
  ],
};

const TIMERS = ['setTimeout', 'setInterval', 'performance'].map((name) => ({
  name,
  message: 'Timers and clocks belong to src/clock.ts.',
}));
const PROCESS = {
  name: 'process',
  message: 'Only src/main.ts and src/cli/ know the process; take what you need as an argument.',
};
const NO_TIMER_MODULES = {
  paths: ['node:timers', 'node:timers/promises', 'timers', 'timers/promises', 'node:perf_hooks'].map((name) => ({
    name,
    message: 'Timers and clocks belong to src/clock.ts.',
  })),
};
const NO_RECURSIVE_MKDIR = {
  name: 'node:fs',
  importNames: ['mkdirSync', 'mkdir'],
  message: 'A recursive call never returns below /proc: src/make-directory.ts.',
};
/** A connection to an address that a user chose passes through src/egress/; these would not. */
const NO_OTHER_WAY_OUT = {
  name: 'node:net',
  importNames: ['connect', 'createConnection'],
  message: 'Requests leave through src/http/, and to addresses of users through src/notifier/receivers/webhook/.',
};
const NO_OTHER_CLIENTS = ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest'].map((name) => ({
  name,
  message: NO_OTHER_WAY_OUT.message,
}));
/** They stop the page, and cannot be read aloud or tested like its own. */
const NO_DIALOGS = ['alert', 'confirm', 'prompt'].map((name) => ({ name, message: 'Ask with src/console/elements/.' }));
const NO_PROCESS_MODULE = { name: 'node:process', message: PROCESS.message };

/** What cannot be broken is let be: an import, a URL and a regular expression. */
const WIDTH = { code: 120, ignoreUrls: true, ignoreRegExpLiterals: true, ignorePattern: '^import ' };

const SIZES = {
  'max-len': ['error', WIDTH],
  'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
  'max-params': ['error', 4],
  'max-depth': ['error', 3],
  complexity: ['error', 12],
};

export default tseslint.config(
  {
    // The types of the client are generated: they have the generator's form and the document's length.
    ignores: ['build/', 'node_modules/', 'data/', 'coverage/', 'src/client/openapi-types.ts'],
  },
  eslint.configs.recommended,
  {
    // Texts of clients are matched, and a slow match would stop the event loop. Patterns of users run on RE2.
    files: ['src/**/*.{ts,tsx}'],
    plugins: { regexp },
    rules: {
      'regexp/no-super-linear-backtracking': 'error',
      'regexp/no-super-linear-move': 'error',
    },
  },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Off where the rule fights a habit of this code that is sound.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/prefer-literal-enum-member': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/unbound-method': 'off',
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      ...SIZES,
    },
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-syntax': ['error', ...BANS.time, ...BANS.exports],
      'no-restricted-globals': ['error', ...TIMERS, ...NO_OTHER_CLIENTS, PROCESS],
      'no-restricted-imports': [
        'error',
        { paths: [...NO_TIMER_MODULES.paths, NO_PROCESS_MODULE, NO_RECURSIVE_MKDIR, NO_OTHER_WAY_OUT] },
      ],
      'no-console': 'error',
    },
  },
  {
    // Modules of browsers. The typed client sends their requests.
    files: ['src/console/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-syntax': ['error', ...BANS.time, ...BANS.exports, ...BANS.markup],
      'no-restricted-globals': ['error', ...TIMERS, ...NO_OTHER_CLIENTS, PROCESS, ...NO_DIALOGS],
      'no-restricted-imports': 'off',
      // An element is a function of what it is given; it has the length of what it shows.
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['src/console/shell/clock.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...BANS.exports, ...BANS.markup],
      'no-restricted-globals': 'off',
    },
  },
  {
    files: ['src/main.ts', 'src/cli/**/*.ts', 'dev/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...TIMERS],
      'no-restricted-imports': ['error', { paths: [...NO_TIMER_MODULES.paths, NO_RECURSIVE_MKDIR] }],
      'no-console': 'off',
    },
  },
  {
    files: ['src/make-directory.ts'],
    rules: { 'no-restricted-imports': ['error', NO_TIMER_MODULES] },
  },
  {
    files: ['src/clock.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...BANS.exports],
      'no-restricted-globals': 'off',
      'no-restricted-imports': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...BANS.exports, ...BANS.mocks],
      'no-console': 'error',
      'max-lines-per-function': 'off',
      // The row of a table of cases may be wide.
      'max-params': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
  {
    // jest asks for these two by their default export.
    files: ['test/support/global-setup.ts', 'test/support/global-teardown.ts'],
    rules: { 'no-restricted-syntax': ['error', ...BANS.mocks], 'no-console': 'off' },
  },
  {
    // The one place that skips, and it says why.
    files: ['test/support/servers.ts'],
    rules: { 'no-restricted-syntax': ['error', ...BANS.exports] },
  },
  {
    // Programs of their own, clients of the service: they print, wait and look at the clock.
    files: ['examples/**/*.ts', 'bench/**/*.ts', 'security/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...BANS.exports], 'no-console': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.js', '**/*.cjs'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', Buffer: 'readonly', module: 'writable' },
    },
    rules: SIZES,
  },
);
