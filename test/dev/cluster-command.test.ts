import { describe, expect, test } from '@jest/globals';
import { createServer, type AddressInfo } from 'node:net';

import { runClusterCommand } from '../../dev/cluster/command.js';

async function run(
  argv: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ exitCode: number; out: string; err: string }> {
  const result = { exitCode: 0, out: '', err: '' };
  result.exitCode = await runClusterCommand(argv, {
    out: (text) => void (result.out += text),
    err: (text) => void (result.err += text),
    environment,
    stop: new AbortController().signal,
  });
  return result;
}

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
    (['port', 'evaluators', 'notifiers'] as const).flatMap((option) =>
      [...BAD, '0'].map((text) => [option, text] as const),
    ),
  )('cluster --%s %j is wrong usage', async (option, text) => {
    const most = option === 'port' ? 65_535 : 50;
    const message =
      `error: option '--${option} <number>' argument '${text}' is invalid. ` +
      `Expected a whole number from 1 to ${most}.\n`;
    expect(await run([`--${option}`, text])).toEqual({ exitCode: 2, out: '', err: message });
  });

  test.each(['abc', '', '10', '-1s', '1ms', '2h', '1e3s'])('cluster --interval %j is wrong usage', async (text) => {
    const { exitCode, err } = await run(['--interval', text]);
    expect([exitCode, err]).toEqual([
      2,
      expect.stringMatching(/^error: option '--interval <duration>' argument '.*' is invalid\. /),
    ]);
  });

  test.each([...BAD.filter((text) => text !== ''), '0'])(
    'cluster with TOCSIN_API_PORT=%j names the variable',
    async (text) => {
      const message = `TOCSIN_API_PORT: Expected a whole number from 1 to 65535. Got ${JSON.stringify(text)}`;
      await expect(run([], { TOCSIN_API_PORT: text })).rejects.toThrow(message);
    },
  );
});

describe('the cluster', () => {
  const port = async (argv: readonly string[], environment: Record<string, string>): Promise<string> => {
    const inUse = createServer();
    await new Promise<void>((resolve) => inUse.listen(0, '127.0.0.1', resolve));
    const taken = String((inUse.address() as AddressInfo).port);
    const filled = (text: string): string => text.replace('TAKEN', taken);
    try {
      // A port in use ends it before it starts anything, and the message says which it would have been.
      await run([...argv.map(filled)], Object.fromEntries(Object.entries(environment).map(([k, v]) => [k, filled(v)])));
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
