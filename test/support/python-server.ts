import type { LocalProcess, StopStep } from '../../dev/servers/local-process.js';

/** For a server or a command that never gets ready: it must fail its test, and not block all others. */
export const READY_TIMEOUT_MS = 300_000;

export const STOP: readonly StopStep[] = [
  { signal: 'SIGTERM', waitMs: 10_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
];

/** Python source: the process ends when the process that started it does, however it does (PR_SET_PDEATHSIG). */
export const TIED_TO_PARENT = `
import ctypes, sys
ctypes.CDLL(None).prctl(1, 15)
`;

/**
 * Python source that serves the WSGI application which the expression gives, on Python's own server: a thread a
 * connection, so that an idle one blocks no other. With port 0 the system chooses; `saidPort` reads the port.
 */
export function serving(application: string, port = '0'): string {
  return `
import socketserver
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128
class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass
server = make_server('127.0.0.1', ${port}, ${application}, server_class=Server, handler_class=Quiet)
print('serving on port %d' % server.server_port, flush=True)
server.serve_forever()
`;
}

/** The port of a process that runs the source of `serving`. */
export async function saidPort(server: LocalProcess): Promise<number> {
  let port = 0;
  await server.untilReady((logged) => {
    port = Number(/^serving on port (\d+)$/m.exec(logged)?.[1] ?? 0);
    return port > 0;
  }, READY_TIMEOUT_MS);
  return port;
}

/** Waits for the end of a command. @throws Error with its output if it fails. */
export async function finished(command: LocalProcess, name: string): Promise<void> {
  let said = '';
  try {
    await command.untilReady((logged) => {
      said = logged;
      return command.hasExited();
    }, READY_TIMEOUT_MS);
  } finally {
    await command.stop(STOP);
  }
  const how = await command.exited;
  if (how !== 'exit code 0') throw new Error(`${name}: ${how}: ${said.slice(-2_000)}`);
}

/** The text of a configuration file: sections of options. */
export function iniOf(sections: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  return Object.entries(sections)
    .map(([name, options]) =>
      [`[${name}]`, ...Object.entries(options).map(([key, value]) => `${key} = ${value}`), ''].join('\n'),
    )
    .join('\n');
}
