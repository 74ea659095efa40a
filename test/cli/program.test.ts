import { describe, expect, test } from '@jest/globals';
import { createServer, type AddressInfo } from 'node:net';

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
    for (const word of ['serve', 'migrate', 'apikey', 'config', 'dev-cluster', 'In a hurry']) expect(out).toContain(word);
  });

  test('of a command shows its options', async () => {
    const { exitCode, out } = await run(['serve', '--help']);
    expect(exitCode).toBe(0);
    for (const flag of ['--config', '--roles', '--port', '--data-dir', '--interval', '--log-level', '--set', '--quiet'])
      expect(out).toContain(flag);
  });

  test('the version is one', async () => {
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('wrong usage', () => {
  test.each([
    [['serv'], "error: unknown command 'serv'\n(Did you mean serve?)\n"],
    [['serve', '--prot', '1'], "error: unknown option '--prot'\n(Did you mean --port?)\n"],
    [['config', 'extra'], "error: too many arguments for 'config'. Expected 0 arguments but got 1.\n"],
    [['serve', '--port'], "error: option '--port <number>' argument missing\n"],
  ])('%j says what is wrong and gives 2', async (argv, message) => {
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

  test.each(
    (['port', 'evaluators', 'notifiers'] as const).flatMap((option) => [...BAD, '0'].map((text) => [option, text] as const)),
  )('dev-cluster --%s %j is wrong usage', async (option, text) => {
    const most = option === 'port' ? 65_535 : 50;
    const message = `error: option '--${option} <number>' argument '${text}' is invalid. Expected a whole number from 1 to ${most}.\n`;
    expect(await run(['dev-cluster', `--${option}`, text])).toEqual({ exitCode: 2, out: '', err: message });
  });

  test.each(['abc', '', '10', '-1s', '1ms', '2h', '1e3s'])('dev-cluster --interval %j is wrong usage', async (text) => {
    const { exitCode, err } = await run(['dev-cluster', '--interval', text]);
    expect([exitCode, err]).toEqual([
      2,
      expect.stringMatching(/^error: option '--interval <duration>' argument '.*' is invalid\. /),
    ]);
  });

  test.each([...BAD.filter((text) => text !== ''), '0'])(
    'dev-cluster with TOCSIN_API_PORT=%j names the variable',
    async (text) => {
      const message = `TOCSIN_API_PORT: Expected a whole number from 1 to 65535. Got ${JSON.stringify(text)}`;
      await expect(run(['dev-cluster'], { TOCSIN_API_PORT: text })).rejects.toThrow(message);
    },
  );

  test.each(BAD)('serve --port %j is a mistake in the configuration', async (text) => {
    for (const command of ['serve', 'config']) {
      await expect(run([command, '--port', text])).rejects.toThrow(/api\.port: .*\(--port\)/);
    }
  });
});

describe('dev-cluster', () => {
  const port = async (argv: readonly string[], environment: Record<string, string>): Promise<string> => {
    const inUse = createServer();
    await new Promise<void>((resolve) => inUse.listen(0, '127.0.0.1', resolve));
    const taken = String((inUse.address() as AddressInfo).port);
    const filled = (text: string): string => text.replace('TAKEN', taken);
    try {
      // A port in use ends it before it starts anything, and the message says which it would have been.
      await run(
        ['dev-cluster', ...argv.map(filled)],
        Object.fromEntries(Object.entries(environment).map(([k, v]) => [k, filled(v)])),
      );
      return 'started';
    } catch (thrown) {
      return (thrown as Error).message.replace(taken, 'TAKEN');
    } finally {
      inUse.close();
    }
  };

  test.each<[string, string[], Record<string, string>]>([
    ['the variable', [], { TOCSIN_API_PORT: 'TAKEN' }],
    ['the flag', ['--port', 'TAKEN'], {}],
    ['the flag before the variable', ['--port', 'TAKEN'], { TOCSIN_API_PORT: '1' }],
    ['the flag before a variable that is wrong', ['--port', 'TAKEN'], { TOCSIN_API_PORT: 'abc' }],
  ])('takes the port of the API from %s', async (_, argv, environment) => {
    expect(await port(argv, environment)).toMatch(/^port TAKEN cannot be used for the API/);
  });
});

describe('config', () => {
  test('prints what flags and environment make of the defaults', async () => {
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
