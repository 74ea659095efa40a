import { expect, test } from '@jest/globals';

import { createProcessStore, type EvaluatorReport } from '../../src/storage/cluster/process-store.js';
import { NO_MISDEEDS, PHONE, seriousFaults } from '../support/browser.js';
import { startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';

const rig = startPageRig();

/** A process with all roles, as `npm start` runs it. */
function report(id: string, evaluator: Partial<EvaluatorReport> = {}): Promise<void> {
  const given: EvaluatorReport = { memberId: `member-${id}`, coordination: 'single', backends: [], ...evaluator };
  const process = { id, roles: ['api', 'evaluator', 'notifier'], version: '1.2.3', host: id, pid: 7, evaluator: given };
  return createProcessStore(rig.db).report(process, 60_000);
}

describeWith(['chromium'], 'the view of the cluster in Chromium', () => {
  test('shows a single process that has all partitions, and no problem', async () => {
    await report('monitor-1');
    await rig.db.query("update partitions set owner = 'member-monitor-1'");
    const { page, misdeeds } = await rig.open('alarms');
    await page.getByRole('link', { name: 'Cluster' }).click();
    await page.getByText('one evaluator has all partitions.').waitFor();
    await page.getByRole('row', { name: /monitor-1 7 256 0–255 0/ }).waitFor();
    expect(await page.getByRole('list', { name: 'Problems' }).count()).toBe(0);
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('shows partitions without an owner and backends that are down above all else', async () => {
    const down = { backend: 'prometheus', isUp: false, since: '2026-01-01T11:00:00Z', reason: 'timeout' };
    await report('monitor-1', { coordination: 'database', backends: [down] });
    await rig.db.query("update partitions set owner = case when id < 200 then 'member-monitor-1' end");
    const { page, misdeeds } = await rig.open('cluster');
    const problems = page.getByRole('list', { name: 'Problems' });
    await problems.getByText('56 of 256 partitions have no evaluator').waitFor();
    await problems.getByText('The backend prometheus is down').waitFor();
    await page.getByText('evaluators see each other through the database').waitFor();
    expect(await page.getByRole('row', { name: /none: not evaluated 56 200–255/ }).count()).toBe(1);
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('is not in the navigation of a project, and its address says why nothing is shown', async () => {
    const { page } = await rig.open('cluster?project=p1');
    await page.getByText('Only admins of all projects may see the cluster.').waitFor();
    expect(await page.getByRole('navigation').getByRole('link', { name: 'Cluster' }).count()).toBe(0);
  });

  test.each([{ what: 'on a laptop' }, { what: 'on a phone in the dark', size: PHONE, dark: true }])(
    'has no serious fault of accessibility $what',
    async ({ what: _, ...options }) => {
      await report('monitor-1');
      const { page } = await rig.open('cluster', options);
      await page.getByText('256 of 256 partitions have no evaluator').waitFor();
      expect(await seriousFaults(page)).toEqual([]);
    },
  );
});
