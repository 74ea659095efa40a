import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';

import { jsonLinesProcess } from './json-lines.js';
import { PYTHON } from './peer-programs.js';

const TIMEOUT_S = 180;

/**
 * Imports the commands once, which takes most of the time of a call, and forks a process for each call. A line of JSON
 * on standard input is a call, a line on standard output its result.
 */
const LAUNCHER = `
import importlib, json, os, signal, sys, tempfile
MODULES = {'aodh': 'aodhclient.shell', 'openstack': 'openstackclient.shell'}
USED = ['aodhclient.osc', 'aodhclient.v2.client', 'aodhclient.v2.alarm_cli', 'aodhclient.v2.alarm_history_cli',
        'aodhclient.noauth', 'cliff.commandmanager', 'cliff.lister', 'cliff.show', 'cliff.formatters.json_format',
        'keystoneauth1.identity', 'keystoneauth1.loading', 'keystoneauth1.session', 'requests', 'stevedore']

def call(program, args, environment, out, err):
    signal.alarm(${TIMEOUT_S})
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [program, *args]
    try:
        sys.exit(sys.modules[MODULES[program]].main())
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
        return 0 if code is None else code if isinstance(code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()

def read(file):
    file.seek(0)
    return file.read().decode()

for module in USED:
    importlib.import_module(module)
for line in sys.stdin:
    request = json.loads(line)
    importlib.import_module(MODULES[request['program']])
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = call(request['program'], request['args'], request['environment'], out, err)
            except BaseException:
                import traceback
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        print(json.dumps({'code': code, 'stdout': read(out), 'stderr': read(err)}), flush=True)
`;

export interface AodhCall {
  program: 'aodh' | 'openstack';
  args: readonly string[];
  environment: Readonly<Record<string, string>>;
}

export interface AodhCallResult {
  /** Null when the call took too long and was ended. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** One Python process that runs the real `aodh` and `openstack` commands, one call after the other. */
export interface AodhLauncher {
  run(call: AodhCall): Promise<AodhCallResult>;
  stop(): Promise<void>;
}

export function startAodhLauncher(): AodhLauncher {
  const child = spawn(PYTHON, ['-I', '-X', 'utf8', '-c', LAUNCHER], {
    env: { HOME: tmpdir(), LANG: 'C.UTF-8' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const python = jsonLinesProcess(child, 'the Python process of the aodh command');
  return { run: async (call) => (await python.ask(call)) as AodhCallResult, stop: () => python.stop() };
}
