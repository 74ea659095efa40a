import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';

import { tiedCommand } from '../../dev/servers/tied-command.js';
import { LAPTOP } from '../../test/support/browser.js';

/** A Chromium without a driver that listens to each request, so that a visit takes as long as it does for a person. */
export interface PlainBrowser {
  /**
   * Opens an address in a fresh profile, runs `script` there before any other script, and returns what the promise
   * `globalThis.visited` resolves to.
   */
  visit(address: string, script: string): Promise<unknown>;
  close(): Promise<void>;
}

interface Answer {
  id?: number;
  result?: unknown;
  error?: { message: string };
}

/** Sends commands of the Chrome DevTools Protocol over a pipe, each ended by a zero byte. */
class DevTools {
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #commands: Writable;
  #last = 0;

  constructor(browser: ChildProcess) {
    const [, , , commands, answers] = browser.stdio as unknown as [null, null, null, Writable, Readable];
    this.#commands = commands;
    let rest = '';
    answers.setEncoding('utf8').on('data', (chunk: string) => {
      const texts = `${rest}${chunk}`.split('\0');
      rest = texts.pop() ?? '';
      for (const text of texts) this.#receive(JSON.parse(text) as Answer);
    });
  }

  async send<T>(method: string, params: object = {}, sessionId?: string): Promise<T> {
    const id = (this.#last += 1);
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#commands.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { result, error } = await answered;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result as T;
  }

  #receive(answer: Answer): void {
    if (answer.id === undefined) return;
    this.#waiting.get(answer.id)?.(answer);
    this.#waiting.delete(answer.id);
  }
}

/** Starts a Chromium without a window. */
export function startPlainBrowser(executable: string): PlainBrowser {
  const profile = mkdtempSync(path.join(tmpdir(), 'tocsin-chromium-'));
  const { width, height } = LAPTOP;
  const { command, args } = tiedCommand(executable, [
    ...['--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--no-first-run'],
    ...['--remote-debugging-pipe', `--user-data-dir=${profile}`, `--window-size=${width},${height}`, 'about:blank'],
  ]);
  const browser = spawn(command, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => browser.once('exit', resolve));
  const tools = new DevTools(browser);
  return {
    visit: (address, script) => visit(tools, address, script),
    async close() {
      browser.kill('SIGTERM');
      await ended;
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

async function visit(tools: DevTools, address: string, script: string): Promise<unknown> {
  const { browserContextId } = await tools.send<{ browserContextId: string }>('Target.createBrowserContext');
  const { targetId } = await tools.send<{ targetId: string }>('Target.createTarget', {
    url: 'about:blank',
    browserContextId,
  });
  const { sessionId } = await tools.send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true });
  await tools.send('Page.enable', {}, sessionId);
  await tools.send('Page.addScriptToEvaluateOnNewDocument', { source: script }, sessionId);
  await tools.send('Page.navigate', { url: address }, sessionId);
  const evaluation = { expression: 'visited', awaitPromise: true, returnByValue: true };
  const { result } = await tools.send<{ result: { value: unknown } }>('Runtime.evaluate', evaluation, sessionId);
  await tools.send('Target.disposeBrowserContext', { browserContextId });
  return result.value;
}
