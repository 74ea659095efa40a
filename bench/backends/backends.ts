import path from 'node:path';

import { ensureDebianPackages } from '../../dev/servers/debian-packages.js';
import { startGnocchiLauncher } from '../../test/support/gnocchi-launcher.js';
import { GNOCCHI, PROMETHEUS } from '../../test/support/peer-programs.js';
import { announceServer, inTemporaryFolder } from '../../test/support/running-servers.js';
import type { Figure } from '../figure.js';
import type { Rig } from '../rig.js';
import { benchGnocchi } from './gnocchi.js';
import { benchPrometheus } from './prometheus.js';

/** Costs of alarms on a real Prometheus and on a real Gnocchi. */
export async function benchBackends(rig: Rig, sizes: readonly number[]): Promise<Figure[]> {
  const say = (line: string): void => console.error(line);
  await ensureDebianPackages([PROMETHEUS, GNOCCHI], { neededBy: 'the bench', environment: process.env, say });
  announceServer('postgres', rig.postgres);
  const prometheus = await benchPrometheus(rig.db, path.join(rig.dir, 'prometheus'), sizes);
  const launcher = await inTemporaryFolder(startGnocchiLauncher);
  announceServer('gnocchi', launcher);
  try {
    return [...prometheus, ...(await benchGnocchi(rig.db, rig.postgres.pid))];
  } finally {
    await launcher.stop();
  }
}
