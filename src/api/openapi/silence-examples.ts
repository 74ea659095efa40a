import type { BodyExample } from './body-example.js';

const MAINTENANCE = {
  matchers: [{ field: 'name', value: 'web-*' }],
  starts_at: '2099-01-01T12:00:00Z',
  ends_at: '2099-01-01T14:00:00Z',
  reason: 'kernel update of the web servers',
  owner: 'web team',
};

const SILENCES: Readonly<Record<string, BodyExample>> = {
  maintenance: { summary: 'Two hours, for all alarms whose name begins with web-', value: MAINTENANCE },
  alarm: {
    summary: 'One alarm, from now on',
    value: {
      matchers: [{ field: 'alarm_id', value: '7b23d5fc-7e20-4058-bd4d-717a072a7aff' }],
      ends_at: '2099-01-01T14:00:00Z',
      reason: 'known: a disk is being replaced',
      owner: 'storage team',
    },
  },
  backups: {
    summary: 'Each night from 2:00 to 3:30 in Berlin, for alarms that are not critical',
    value: {
      matchers: [
        { field: 'type', value: 'threshold' },
        { field: 'severity', value: 'low' },
      ],
      recurrence: { cron: '0 2 * * *', duration: 5_400, timezone: 'Europe/Berlin' },
      reason: 'backups',
      owner: 'database team',
    },
  },
  projects: {
    summary: 'Two projects; for admins',
    value: { ...MAINTENANCE, project_ids: ['web', 'shop'] },
  },
};

/** Examples of requests about silences and pauses, by the name of the operation. */
export const SILENCE_REQUESTS: Readonly<Record<string, Readonly<Record<string, BodyExample>>>> = {
  createSilence: SILENCES,
  previewSilence: SILENCES,
  replaceSilence: {
    longer: { summary: 'A later end', value: { ...MAINTENANCE, ends_at: '2099-01-01T18:00:00Z' } },
  },
  pauseDeliveries: {
    move: {
      summary: 'Until a time, with the reason; without a body the pause lasts until it is lifted',
      value: { ends_at: '2099-01-01T14:00:00Z', reason: 'the receiver is being moved' },
    },
  },
};

const SILENCE = {
  id: '0b7c9d5e-1f7e-4a36-9a0d-6d0f5a8f4c11',
  status: 'active',
  project_ids: ['default'],
  all_projects: false,
  matchers: [{ field: 'name', value: 'web-*' }],
  starts_at: '2026-11-22T05:20:00Z',
  ends_at: '2026-11-22T07:20:00Z',
  recurrence: null,
  opening: { starts_at: '2026-11-22T05:20:00Z', ends_at: '2026-11-22T07:20:00Z' },
  reason: 'kernel update of the web servers',
  owner: 'web team',
  created_at: '2026-11-22T05:20:00Z',
  ended_at: null,
  may_change: true,
};

/** Examples of answers about silences and pauses, by the name of the operation. */
export const SILENCE_ANSWERS: Readonly<Record<string, unknown>> = {
  listDeliveryPauses: [
    {
      project_id: 'default',
      paused_at: '2026-11-22T05:20:00Z',
      until: null,
      ends_at: '2026-11-22T07:20:00Z',
      reason: 'the receiver is being moved',
      paused_by: 'user-1',
    },
  ],
  listSilences: { silences: [SILENCE], next: null },
  createSilence: SILENCE,
  replaceSilence: SILENCE,
  getSilence: {
    ...SILENCE,
    changes: [{ kind: 'created', at: '2026-11-22T05:20:00Z', user_id: 'default', project_id: 'default', changed: [] }],
  },
  previewSilence: {
    count: 1,
    alarms: [
      {
        alarm_id: '7b23d5fc-7e20-4058-bd4d-717a072a7aff',
        name: 'web-1 cpu high',
        type: 'threshold',
        severity: 'critical',
        project_id: 'default',
        state: 'alarm',
      },
    ],
    waiting_notifications: 1,
  },
};
