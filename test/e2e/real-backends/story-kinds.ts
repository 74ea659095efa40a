import type { Page } from 'playwright-core';

import { LOOK_BACK, type StoryThings } from './story-data.js';

/** A kind of alarm, as a person enters it. */
export interface StoryKind {
  type: string;
  /** Fills the fields of its rule, and what else is special about it. */
  write: (page: Page, things: StoryThings) => Promise<void>;
}

/** The field of this name that was added last. */
async function fill(page: Page, values: Record<string, string>): Promise<void> {
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label).last().fill(value);
}

const OVER_50 = { 'Threshold *': '50' };
const IN_GNOCCHI = { ...OVER_50, 'Aggregation method *': 'sum', 'Granularity (s)': String(LOOK_BACK.seconds) };
const ofResource = ({ resources: [first] }: StoryThings): Record<string, string> => ({
  ...IN_GNOCCHI,
  'Metric *': 'cpu',
  'Resource type *': 'generic',
  'Resource *': first?.id ?? '',
});
const inPrometheus = ({ metric }: StoryThings): Record<string, string> => ({
  ...OVER_50,
  'Query *': `max(last_over_time(${metric}[${LOOK_BACK.promql}]))`,
});

/** Kinds that follow measurements by themselves. */
export const MEASURED_KINDS: readonly StoryKind[] = [
  {
    type: 'threshold',
    write: async (page, { metric }) => {
      await fill(page, { ...OVER_50, 'Meter *': metric, 'Period (s)': String(LOOK_BACK.seconds) });
      await page.getByLabel('Statistic').selectOption('sum');
    },
  },
  { type: 'gnocchi_resources_threshold', write: (page, things) => fill(page, ofResource(things)) },
  {
    type: 'gnocchi_aggregation_by_metrics_threshold',
    write: async (page, { resources }) => {
      await fill(page, IN_GNOCCHI);
      for (const [index, { metric }] of resources.entries()) {
        await page.getByRole('button', { name: 'Add to Metrics' }).click();
        await page.getByRole('textbox', { name: `Metrics ${index + 1}` }).fill(metric);
      }
    },
  },
  {
    type: 'gnocchi_aggregation_by_resources_threshold',
    write: (page, { resources }) =>
      fill(page, {
        ...IN_GNOCCHI,
        'Metric *': 'cpu',
        'Resource type *': 'generic',
        'Query *': JSON.stringify({ in: { id: resources.map(({ id }) => id) } }),
      }),
  },
  { type: 'prometheus', write: (page, things) => fill(page, inPrometheus(things)) },
  {
    type: 'composite',
    write: async (page, things) => {
      const rule = page.getByRole('group', { name: 'Rule' });
      await rule.getByLabel('Operator').selectOption('and');
      await rule.getByLabel('Add a rule').last().selectOption('prometheus');
      await fill(page, inPrometheus(things));
      await rule.getByLabel('Add a rule').last().selectOption('gnocchi_resources_threshold');
      await fill(page, ofResource(things));
    },
  },
];

/** Follows two of the others, which exist already. */
export const COMBINATION: StoryKind = {
  type: 'combination',
  write: async (page) => {
    await page.getByLabel('Find alarms').fill('story');
    for (const name of ['story prometheus', 'story composite'])
      await page.getByRole('list', { name: 'Found alarms' }).getByRole('button', { name }).click();
  },
};

/** It fires for each event, and has no state to return to. */
export const EVENT: StoryKind = {
  type: 'event',
  write: async (page) => {
    await fill(page, { 'Event type': 'compute.*' });
    await page.getByLabel('Repeat actions').check();
  },
};
