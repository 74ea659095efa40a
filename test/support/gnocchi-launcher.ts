import { chownSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';

import { startLocalProcess, unprivilegedAccount } from '../../dev/servers/local-process.js';
import { PYTHON } from './peer-programs.js';
import { READY_TIMEOUT_MS, serving, STOP, TIED_TO_PARENT } from './python-server.js';
import type { RunServer } from './running-servers.js';

/**
 * Imports Gnocchi once, which takes most of the time of its start, and forks the processes of a Gnocchi for each
 * connection, on which it prints their pids and the port. They end with the connection, which they keep open until the
 * last of them has ended.
 */
const LAUNCHER = `${TIED_TO_PARENT}
import gc, importlib, json, os, signal, socket, threading
USED = ['gnocchi.cli.api', 'gnocchi.cli.manage', 'gnocchi.cli.metricd', 'gnocchi.rest.api',
        'gnocchi.incoming.file', 'gnocchi.indexer.sqlalchemy', 'gnocchi.storage.file', 'psycopg2', 'tooz.drivers.file']
os.environ['OPENBLAS_NUM_THREADS'] = '1'
os.register_at_fork(after_in_child=lambda: ctypes.CDLL(None).prctl(1, 15)) # a fork is tied to no parent
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(128)
print('listening', flush=True)
children = 0
while True:
    connection, _ = listener.accept()
    for module in USED:
        importlib.import_module(module)
    gc.freeze()
    if os.fork() == 0:
        break
    connection.close()
    children += 1
    while children > 0 and os.waitpid(-1, os.WNOHANG)[0] > 0:
        children -= 1

signal.alarm(${READY_TIMEOUT_MS / 1000})
listener.close()
asked = json.loads(connection.makefile().readline())
log = os.open(asked['log'], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
os.dup2(log, 1)
os.dup2(log, 2)

def arguments(program, *options):
    sys.argv = [program, *options, '--config-file', asked['config']]

arguments('gnocchi-upgrade', '--sacks-number', '4')
sys.modules['gnocchi.cli.manage'].upgrade()
pids = [os.getpid()]
if asked['metricd']:
    arguments('gnocchi-metricd')
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        sys.modules['gnocchi.cli.metricd'].metricd()
        os._exit(0)
    os.setpgid(pid, pid)
    pids.append(pid)

# It tells users by the headers that Keystone's filter would set.
def vouched(environ, start_response):
    token = environ.get('HTTP_X_AUTH_TOKEN', '').split(':')
    if len(token) == 3:
        for name, value in zip(('HTTP_X_USER_ID', 'HTTP_X_PROJECT_ID', 'HTTP_X_ROLES'), token):
            environ[name] = value
    elif 'HTTP_AUTHORIZATION' not in environ:
        start_response('401 Unauthorized', [])
        return []
    return application(environ, start_response)

def end_with_connection():
    connection.recv(1)
    for pid in pids[1:]:
        os.killpg(pid, signal.SIGKILL)
    os._exit(0)

threading.Thread(target=end_with_connection, daemon=True).start()
arguments('gnocchi-api')
application = sys.modules['gnocchi.cli.api'].wsgi()
signal.alarm(0)
os.dup2(connection.fileno(), 1)
print('pids', json.dumps(pids))
${serving('vouched')}`;

/** Starts the process that starts every Gnocchi of a run, with its socket in `dir`. `url` is the path of the socket. */
export async function startGnocchiLauncher(dir: string): Promise<RunServer> {
  const account = unprivilegedAccount('gnocchi');
  if (account) chownSync(dir, account.uid, account.gid);
  const url = path.join(dir, 'socket');
  const launcher = await startLocalProcess({
    name: 'the launcher of Gnocchi',
    command: PYTHON,
    args: ['-I', '-c', LAUNCHER, url],
    logFile: path.join(dir, 'launcher.log'),
    account,
  });
  const stop = (): Promise<void> => launcher.stop(STOP);
  try {
    await launcher.untilReady((logged) => logged.includes('listening'), READY_TIMEOUT_MS);
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { url, stop };
}

export interface GnocchiLaunch {
  /** Path of the configuration. */
  config: string;
  /** File for all that its processes print. */
  log: string;
  /** Start the process that makes measures readable, too. */
  metricd: boolean;
}

export interface LaunchedGnocchi {
  port: number;
  /** Of its API, and of its metricd. */
  pids: readonly number[];
  /** Resolves when its last process has ended. */
  stop(): Promise<void>;
}

/** Creates the tables and starts the API. @throws Error with the log if a process ends before the API serves. */
export async function launchGnocchi(launcherUrl: string, launch: GnocchiLaunch): Promise<LaunchedGnocchi> {
  const connection = connect(launcherUrl).setEncoding('utf8');
  const closed = new Promise<void>((resolve) => connection.once('close', () => resolve()));
  const stop = (): Promise<void> => (connection.end(), closed);
  connection.write(`${JSON.stringify(launch)}\n`);
  const printed = await new Promise<string>((resolve) => {
    let all = '';
    connection.on('data', (text: string) => {
      all += text;
      if (/^serving on port \d+\n/m.test(all)) resolve(all);
    });
    connection.on('error', (error) => (all += error.message));
    void closed.then(() => resolve(all));
  });
  const [, pids, port] = /^pids (.+)\nserving on port (\d+)\n$/m.exec(printed) ?? [];
  if (pids === undefined) {
    await stop();
    throw new Error(`Gnocchi did not start: ${printed}${readFileSync(launch.log, 'utf8').slice(-2_000)}`);
  }
  return { port: Number(port), pids: JSON.parse(pids) as number[], stop };
}
