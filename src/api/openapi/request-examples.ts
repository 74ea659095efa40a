import { RECEIVER_REQUESTS } from './receiver-operations.js';
import { SILENCE_REQUESTS } from './silence-examples.js';
import type { BodyExample } from './body-example.js';

export type { BodyExample } from './body-example.js';

/** An alarm on the built-in meters that calls a receiver. */
const THRESHOLD_ALARM = {
  name: 'cpu high',
  type: 'threshold',
  severity: 'critical',
  threshold_rule: {
    meter_name: 'cpu_util',
    statistic: 'avg',
    comparison_operator: 'gt',
    threshold: 80,
    period: 60,
    evaluation_periods: 2,
    query: [{ field: 'resource_id', op: 'eq', value: 'web-1' }],
  },
  alarm_actions: ['https://receiver.example.com/high'],
  ok_actions: ['https://receiver.example.com/normal'],
};

/** 160 ms of CPU time a second, as nanoseconds in 300 s. */
const CPU_OF_AN_INSTANCE = {
  metric: 'cpu',
  resource_id: 'a64c5b6e-2a5e-4b0c-8c9c-7f1d1d1c9f77',
  resource_type: 'instance',
  aggregation_method: 'rate:mean',
  granularity: 300,
  evaluation_periods: 3,
  comparison_operator: 'gt',
  threshold: 48_000_000_000,
};

const IMPORTED_IDS = ['5f1c2b8e-97a7-4a3f-8f3a-0c3c0c0b6a01', '5f1c2b8e-97a7-4a3f-8f3a-0c3c0c0b6a02'] as const;

/** An alarm as Aodh's API answers it. */
const imported = (alarm_id: string, name: string): object => ({
  alarm_id,
  name,
  description: '',
  enabled: true,
  type: 'gnocchi_resources_threshold',
  gnocchi_resources_threshold_rule: CPU_OF_AN_INSTANCE,
  alarm_actions: ['https://receiver.example.com/high'],
  ok_actions: [],
  insufficient_data_actions: [],
  repeat_actions: false,
  severity: 'low',
  state: 'ok',
  time_constraints: [],
});

const ALARMS: Readonly<Record<string, BodyExample>> = {
  threshold: { summary: 'The average of a meter that is sent to Tocsin', value: THRESHOLD_ALARM },
  gnocchi: {
    summary: 'A metric of one resource in Gnocchi, in working hours only',
    value: {
      name: 'database is busy',
      type: 'gnocchi_resources_threshold',
      gnocchi_resources_threshold_rule: CPU_OF_AN_INSTANCE,
      time_constraints: [{ name: 'day', start: '0 8 * * 1-5', duration: 36_000, timezone: 'Europe/Berlin' }],
      alarm_actions: ['https://receiver.example.com/high'],
    },
  },
  gnocchi_metrics: {
    summary: 'The mean of several metrics in Gnocchi',
    value: {
      name: 'cluster is busy',
      type: 'gnocchi_aggregation_by_metrics_threshold',
      gnocchi_aggregation_by_metrics_threshold_rule: {
        metrics: ['1d2f1f7e-6a55-4c5e-9d0b-2c6e4d1f0a01', '1d2f1f7e-6a55-4c5e-9d0b-2c6e4d1f0a02'],
        aggregation_method: 'mean',
        granularity: 60,
        comparison_operator: 'ge',
        threshold: 70,
      },
    },
  },
  gnocchi_group: {
    summary: 'The mean of a metric over a group of resources in Gnocchi, as Heat watches a scaling group',
    value: {
      name: 'scale up',
      type: 'gnocchi_aggregation_by_resources_threshold',
      gnocchi_aggregation_by_resources_threshold_rule: {
        metric: 'cpu',
        query: '{"=": {"server_group": "9d0b2c6e"}}',
        resource_type: 'instance',
        aggregation_method: 'rate:mean',
        granularity: 300,
        comparison_operator: 'gt',
        threshold: 48_000_000_000,
      },
      alarm_actions: ['https://receiver.example.com/scale-up'],
      repeat_actions: true,
    },
  },
  prometheus: {
    summary: 'A PromQL query: three of the last five points must be above the threshold, and 0.9 clears it',
    value: {
      name: 'disk is full',
      type: 'prometheus',
      prometheus_rule: {
        query: 'max by (host) (disk_used_ratio)',
        comparison_operator: 'gt',
        threshold: 0.95,
        granularity: 60,
        evaluation_periods: 5,
      },
      tocsin: { datapoints_to_alarm: 3, clear_threshold: 0.9 },
      alarm_actions: ['log://'],
    },
  },
  composite: {
    summary: 'Two rules, of which one must hold',
    value: {
      name: 'web is slow or down',
      type: 'composite',
      composite_rule: {
        or: [
          { type: 'prometheus', query: 'up{job="web"}', comparison_operator: 'lt', threshold: 1 },
          {
            type: 'gnocchi_resources_threshold',
            metric: 'http.latency',
            resource_id: 'web-1',
            resource_type: 'generic',
            aggregation_method: 'mean',
            comparison_operator: 'gt',
            threshold: 2,
          },
        ],
      },
    },
  },
  combination: {
    summary: 'The states of other alarms, which must exist',
    value: {
      name: 'both databases are busy',
      type: 'combination',
      combination_rule: { operator: 'and', alarm_ids: IMPORTED_IDS },
    },
  },
  event: {
    summary: 'Events of one type with a trait',
    value: {
      name: 'an instance failed',
      type: 'event',
      event_rule: {
        event_type: 'compute.instance.*',
        query: [{ field: 'traits.state', op: 'eq', value: 'error', type: 'string' }],
      },
      alarm_actions: ['https://receiver.example.com/failed'],
    },
  },
  members: {
    summary: 'Members of a load balancer’s pool in Octavia',
    value: {
      name: 'a member is down',
      type: 'loadbalancer_member_health',
      loadbalancer_member_health_rule: {
        pool_id: '3b0f3f0e-5c36-4b5a-9a8a-4d5e6f708192',
        stack_id: 'c0ffee00-5c36-4b5a-9a8a-4d5e6f708193',
        autoscaling_group_id: 'c0ffee00-5c36-4b5a-9a8a-4d5e6f708194',
      },
    },
  },
};

/** Examples of request bodies by the name of the operation. A test sends each of them, and it is accepted. */
export const REQUEST_EXAMPLES: Readonly<Record<string, Readonly<Record<string, BodyExample>>>> = {
  createAlarm: ALARMS,
  replaceAlarm: {
    threshold: {
      summary: 'Another threshold; the actions are left out, so there are none any more',
      value: {
        ...THRESHOLD_ALARM,
        threshold_rule: { meter_name: 'cpu_util', comparison_operator: 'gt', threshold: 90 },
      },
    },
  },
  setAlarmState: { ok: { summary: 'A JSON text', value: 'ok' } },
  backtestAlarm: {
    day: {
      summary: 'A day, evaluated each minute',
      value: { alarm: THRESHOLD_ALARM, start: '2025-12-30T00:00:00Z', stop: '2025-12-31T00:00:00Z', step: 60 },
    },
  },
  getDraftValues: {
    day: {
      summary: 'A day, evaluated each minute',
      value: { alarm: THRESHOLD_ALARM, start: '2025-12-30T00:00:00Z', stop: '2025-12-31T00:00:00Z', step: 60 },
    },
  },
  testFireAlarm: {
    all: { summary: 'All actions of the state alarm', value: { confirm: 'cpu high' } },
    one: { summary: 'The first action of the state ok', value: { confirm: 'cpu high', state: 'ok', actions: [0] } },
  },
  testFireDraft: {
    one: {
      summary: 'One action by its text',
      value: {
        alarm: THRESHOLD_ALARM,
        confirm: 'cpu high',
        state: 'alarm',
        actions: ['https://receiver.example.com/high'],
      },
    },
  },
  getLatestValues: { two: { summary: 'Two alarms', value: { ids: IMPORTED_IDS } } },
  queryAlarms: {
    filter: {
      summary: 'Alarms in state alarm that are not of severity low, by name',
      value: {
        filter: '{"and": [{"=": {"state": "alarm"}}, {"!=": {"severity": "low"}}]}',
        orderby: '[{"name": "asc"}]',
        limit: 100,
      },
    },
  },
  queryAlarmHistory: {
    filter: {
      summary: 'Transitions since a moment, the newest first',
      value: {
        filter: '{"and": [{"=": {"type": "state transition"}}, {">=": {"timestamp": "2026-01-01T00:00:00"}}]}',
        orderby: '[{"timestamp": "desc"}]',
        limit: 100,
      },
    },
  },
  createSamples: {
    sample: {
      summary: 'One sample, measured now',
      value: [
        {
          counter_name: 'cpu_util',
          counter_type: 'gauge',
          counter_unit: '%',
          counter_volume: 95,
          resource_id: 'web-1',
          resource_metadata: { group: 'web' },
        },
      ],
    },
  },
  sendEvents: {
    event: {
      summary: 'One event; a list of events is accepted too',
      value: {
        message_id: '6c2f1f7e-6a55-4c5e-9d0b-2c6e4d1f0a01',
        event_type: 'compute.instance.update',
        generated: '2026-01-01T00:00:00',
        traits: [
          ['state', 1, 'error'],
          ['project_id', 1, '3b0f3f0e5c364b5a9a8a4d5e6f708192'],
        ],
      },
    },
  },
  setQuotas: {
    alarms: {
      summary: 'Most alarms of a project',
      value: { project_id: '3b0f3f0e5c364b5a9a8a4d5e6f708192', quotas: [{ resource: 'alarms', limit: 500 }] },
    },
  },
  ...SILENCE_REQUESTS,
  ...RECEIVER_REQUESTS,
  createApiKey: {
    reader: {
      summary: 'A key that reads, for 90 days',
      value: { role: 'reader', description: 'dashboard', expires_in: 7_776_000 },
    },
  },
  beginSession: {
    key: { summary: 'With an API key', value: { api_key: 'ak_…' } },
    password: {
      summary: 'With the name and the password of a user at Keystone',
      value: { name: 'alice', password: '…', project: 'web', domain: 'Default' },
    },
    token: { summary: 'With a Keystone token', value: { token: 'gAAAA…' } },
  },
  pauseDeliveries: {
    maintenance: {
      summary: 'For the time of a maintenance',
      value: { ends_at: '2036-11-22T08:00:00Z', reason: 'maintenance of the network' },
    },
  },
  importAlarms: {
    alarms: {
      summary: 'Two alarms as Aodh’s API answers them',
      value: [imported(IMPORTED_IDS[0], 'database 1 is busy'), imported(IMPORTED_IDS[1], 'database 2 is busy')],
    },
  },
  activateImports: { two: { summary: 'Two of them', value: { alarm_ids: IMPORTED_IDS } } },
};
