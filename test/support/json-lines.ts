import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A process that answers each line of JSON on its standard input with one on its standard output. */
export interface JsonLinesProcess {
  /** Requests are sent one after the other. @throws Error if the process has ended. */
  ask(request: unknown): Promise<unknown>;
  /** Ends its input and waits for its end. */
  stop(): Promise<void>;
}

/** Wraps a child process whose standard input and output are pipes. */
export function jsonLinesProcess(child: ChildProcess, name: string): JsonLinesProcess {
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error(`${name} has no pipes`);
  const exited = once(child, 'exit');
  stdin.on('error', () => undefined); // the process may end before it reads a request; its missing answer shows that
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();
  const answer = async (request: unknown): Promise<unknown> => {
    stdin.write(`${JSON.stringify(request)}\n`);
    const line = await lines.next();
    if (line.done) throw new Error(`${name} has ended`);
    return JSON.parse(line.value);
  };
  return {
    ask(request) {
      const mine = last.then(() => answer(request));
      last = mine.catch(() => undefined);
      return mine;
    },
    async stop() {
      stdin.end();
      await exited;
    },
  };
}
