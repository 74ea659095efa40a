import { describe, expect, test } from '@jest/globals';

import type { App } from '../../src/app.js';
import { serve } from '../../src/cli/serve.js';
import type { Config } from '../../src/config/schema.js';

class FakeApp implements App {
  readonly calls: string[] = [];
  fail!: (error: Error) => void;
  readonly failed = new Promise<Error>((resolve) => (this.fail = resolve));
  url: string | undefined = 'http://127.0.0.1:8042';
  reload: (() => void) | undefined;

  constructor(private readonly startFailure?: Error) {}

  async start(): Promise<void> {
    this.calls.push('start');
    if (this.startFailure) throw this.startFailure;
  }

  async stop(): Promise<void> {
    this.calls.push('stop');
  }

  summary(): string[] {
    return [`Tocsin listens on ${this.url}.`];
  }
}

function run(app: FakeApp, { quiet = false } = {}) {
  const stop = new AbortController();
  const printed: string[] = [];
  const errors: string[] = [];
  const given: Config[] = [];
  const terminal = {
    out: (text: string) => printed.push(text),
    err: (text: string) => errors.push(text),
    environment: { TOCSIN_API_PORT: '8043' },
    stop: stop.signal,
  };
  const appFactory = async () => async (config: Config) => {
    given.push(config);
    return app;
  };
  const ended = serve({ flags: [], quiet }, terminal, appFactory);
  return { ended, stop, printed, errors, given };
}

describe('serve', () => {
  test('starts, prints its URL and example commands, and stops cleanly on a signal', async () => {
    const app = new FakeApp();
    const { ended, stop, printed, given } = run(app);
    stop.abort();
    expect(await ended).toBe(0);
    expect(app.calls).toEqual(['start', 'stop']);
    expect(given[0]?.api.port).toBe(8043);
    const text = printed.join('');
    expect(text).toContain('Tocsin listens on http://127.0.0.1:8042.\n');
    expect(text.match(/^ {2}curl .*http:\/\/127\.0\.0\.1:8042\/v2\//gm)).toHaveLength(3);
    expect(printed.at(-1)).toBe('Stopping.\n');
  });

  test('prints no examples without an API, and nothing with --quiet', async () => {
    const app = new FakeApp();
    app.url = undefined;
    const loud = run(app);
    loud.stop.abort();
    await loud.ended;
    expect(loud.printed.join('')).not.toContain('curl');
    const quiet = run(new FakeApp(), { quiet: true });
    quiet.stop.abort();
    await quiet.ended;
    expect(quiet.printed).toEqual([]);
  });

  test('stops and exits 1 after a failure of the service', async () => {
    const app = new FakeApp();
    const { ended, errors } = run(app);
    app.fail(new Error('the disk is gone'));
    expect(await ended).toBe(1);
    expect(app.calls).toEqual(['start', 'stop']);
    expect(errors.join('')).toContain('the disk is gone');
  });

  test('releases resources if the start fails', async () => {
    const app = new FakeApp(new Error('port 8042 is in use'));
    await expect(run(app).ended).rejects.toThrow('port 8042 is in use');
    expect(app.calls).toEqual(['start', 'stop']);
  });
});
