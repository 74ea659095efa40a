import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { startLocalProcess, unprivilegedAccount } from '../../dev/servers/local-process.js';
import { PYTHON } from './peer-programs.js';
import { iniOf, saidPort, serving, STOP, TIED_TO_PARENT } from './python-server.js';
import { inTemporaryFolder } from './running-servers.js';

/**
 * A real Aodh API on loopback that believes the identity headers of its requests (`auth_mode = noauth`). Nothing
 * evaluates.
 */
export interface RealAodh {
  /** Without a slash at its end. */
  url: string;
  /** Stores an alarm so many times again, under new ids, past its API, which takes its time for each. */
  copy(alarmId: string, times: number): void;
  /** Ends it and removes all it had. */
  stop(): Promise<void>;
}

export interface StartAodhOptions {
  /**
   * Where it asks about rules of the gnocchi kinds: the address of a Gnocchi that believes headers. It asks there for
   * the project of Gnocchi's feeder, too (`/domains`, `/projects`), as if it were Keystone: a 404 says that there is
   * none.
   */
  gnocchiUrl: string;
}

/** Aodh's tables, then its own WSGI application. */
const SERVE = `${TIED_TO_PARENT}
from aodh import service, storage
from aodh.api.app import load_app
conf = service.prepare_service(['--config-file', sys.argv[1]])
storage.get_connection_from_config(conf).upgrade()
${serving('load_app(conf)')}`;

const COPY = `
import sqlite3, sys, uuid
file, alarm_id, times = sys.argv[1:]
db = sqlite3.connect(file, timeout=30)
columns = [row[1] for row in db.execute('pragma table_info(alarm)') if row[1] != 'alarm_id']
names = ', '.join(columns)
for _ in range(int(times)):
    db.execute('insert into alarm (alarm_id, %s) select ?, %s from alarm where alarm_id = ?' % (names, names),
      (str(uuid.uuid4()), alarm_id))
db.commit()
`;

/** Starts an Aodh, in some five seconds. Needs the kind `aodh-service` of `describeWith`. */
export function startAodh({ gnocchiUrl }: StartAodhOptions): Promise<RealAodh> {
  return inTemporaryFolder(async (dir) => {
    const account = unprivilegedAccount('aodh');
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const file = path.join(dir, 'aodh.conf');
    writeFileSync(file, configuration(dir, gnocchiUrl), { mode: 0o600 });
    for (const owned of account ? [dir, file] : []) chownSync(owned, account?.uid ?? 0, account?.gid ?? 0);
    const options = { command: PYTHON, args: ['-I', '-c', SERVE, file], logFile: path.join(dir, 'aodh.log'), account };
    const server = await startLocalProcess({ name: 'aodh-api', ...options });
    const stop = (): Promise<void> => server.stop(STOP);
    try {
      const copy = (alarmId: string, times: number): void => {
        execFileSync(PYTHON, ['-I', '-c', COPY, databaseIn(dir), alarmId, String(times)]);
      };
      return { url: `http://127.0.0.1:${await saidPort(server)}`, copy, stop };
    } catch (cause) {
      await stop();
      throw cause;
    }
  });
}

/** Everything in one folder, nothing of /etc. Its notifications go nowhere: there is no message bus. */
function configuration(dir: string, gnocchiUrl: string): string {
  const sections = {
    DEFAULT: { use_stderr: 'true', log_color: 'false', transport_url: 'fake://' },
    api: { auth_mode: 'noauth' },
    database: { connection: `sqlite:///${databaseIn(dir)}`, sqlite_synchronous: 'false' },
    oslo_messaging_notifications: { driver: 'noop' },
    service_credentials: {
      auth_type: 'gnocchi-noauth',
      user_id: 'aodh',
      project_id: 'service',
      roles: 'admin',
      endpoint: gnocchiUrl,
    },
  };
  return iniOf(sections);
}

function databaseIn(dir: string): string {
  return path.join(dir, 'aodh.sqlite');
}
