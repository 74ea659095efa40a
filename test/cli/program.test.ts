import { describe, expect, test } from '@jest/globals';

import { runProgram } from '../../src/cli/program.js';

interface Run {
  exitCode: number;
  out: string;
  err: string;
}

async function run(argv: readonly string[], environment: Record<string, string> = {}): Promise<Run> {
  const result: Run = { exitCode: -1, out: '', err: '' };
  result.exitCode = await runProgram(argv, {
    out: (text) => (result.out += text),
    err: (text) => (result.err += text),
    environment,
    stop: new AbortController().signal,
  });
  return result;
}

describe('help', () => {
  test.each([[['--help']], [['-h']], [[]]])('%j shows the commands and examples', async (argv) => {
    const { exitCode, out } = await run(argv);
    expect(exitCode).toBe(0);
    for (const word of ['serve', 'migrate', 'apikey', 'config', 'Examples']) expect(out).toContain(word);
  });

  test('of a command lists its options', async () => {
    const { exitCode, out } = await run(['serve', '--help']);
    expect(exitCode).toBe(0);
    for (const flag of ['--config', '--roles', '--port', '--data-dir', '--interval', '--log-level', '--set', '--quiet'])
      expect(out).toContain(flag);
  });

  test('--version prints a version', async () => {
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('wrong usage', () => {
  test.each([
    [['serv'], "error: unknown command 'serv'\n(Did you mean serve?)\n"],
    [['serve', '--prot', '1'], "error: unknown option '--prot'\n(Did you mean --port?)\n"],
    [['config', 'extra'], "error: too many arguments for 'config'. Expected 0 arguments but got 1.\n"],
    [['serve', '--port'], "error: option '--port <number>' argument missing\n"],
  ])('%j prints the problem and exits 2', async (argv, message) => {
    expect(await run(argv)).toEqual({ exitCode: 2, out: '', err: message });
  });
});

describe('an invalid number, or one out of range', () => {
  const BAD = [
    'abc',
    '',
    ' ',
    'NaN',
    'Infinity',
    '-1',
    '1e3',
    '0x50',
    '80.5',
    '8 0',
    '8042x',
    '+80',
    '70000',
    '99999999999999999999',
  ];

  test.each(BAD)('serve --port %j is a mistake in the configuration', async (text) => {
    for (const command of ['serve', 'config']) {
      await expect(run([command, '--port', text])).rejects.toThrow(/api\.port: .*\(--port\)/);
    }
  });
});

describe('config', () => {
  test('prints the defaults with the changes by flags and environment', async () => {
    const { exitCode, out } = await run(
      [
        'config',
        '--port',
        '9',
        '--data-dir',
        '/srv/tocsin',
        '--interval=5s',
        '--log-level',
        'debug',
        '--set',
        'notifier.policy=every',
        '--set',
        'queue.prefix=jobs',
      ],
      { TOCSIN_API_ALARM_MAX_ACTIONS: '3' },
    );
    expect(exitCode).toBe(0);
    for (const line of [
      'port: 9 # --port',
      'data_dir: /srv/tocsin # --data-dir',
      'interval: 5s # --interval',
      'level: debug # --log-level',
      'policy: every # --set notifier.policy',
      'prefix: jobs # --set queue.prefix',
      'alarm_max_actions: 3 # TOCSIN_API_ALARM_MAX_ACTIONS',
    ]) {
      expect(out).toContain(`${line}\n`);
    }
  });

  test('refuses mistakes', async () => {
    await expect(run(['config', '--roles', 'api,evalator', '--set', 'nonsense'])).rejects.toThrow(
      'the configuration has 2 mistakes:\n' +
        '  nonsense: unknown option (--set nonsense)\n' +
        '  roles.1: expected one of api, evaluator, notifier, got "evalator" (--roles)',
    );
  });
});
