import { expect, test } from '@jest/globals';

import { shareTable } from '../../dev/cluster/share-table.js';

const evaluator = { role: 'evaluator', managementUrl: 'http://127.0.0.1:9000', ended: false };

function rows(table: string): string[][] {
  return table
    .split('\n')
    .filter((line) => line.startsWith('│'))
    .map((line) =>
      line
        .split('│')
        .slice(1, 4)
        .map((cell) => cell.trim()),
    );
}

test('partitions are counted for the process whose id is in the name of their owner', () => {
  const processes = [
    { ...evaluator, name: 'api', role: 'api', pid: 10 },
    { ...evaluator, name: 'evaluator-1', pid: 11 },
    { ...evaluator, name: 'evaluator-2', pid: 12, ended: true },
    { ...evaluator, name: 'evaluator-3', pid: 13, ended: true },
  ];
  const owners = [
    { owner: 'evaluator-11-aa', count: 100 },
    { owner: 'evaluator-12-bb', count: 90 },
    { owner: 'evaluator-99-cc', count: 60 },
    { owner: null, count: 6 },
  ];
  expect(rows(shareTable(processes, owners))).toEqual([
    ['process', 'pid', 'partitions'],
    ['api', '10', ''],
    ['evaluator-1', '11', '100'],
    ['evaluator-2 (ended)', '12', '90'],
    ['an ended evaluator', '99', '60'],
    ['no owner', '', '6'],
  ]);
});
