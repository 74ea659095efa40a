/** Examples of answers with meters and resources, by the name of the operation. */
export const METER_EXAMPLES: Readonly<Record<string, unknown>> = {
  listMeterTable: {
    meters: [
      {
        name: 'cpu_util',
        type: 'gauge',
        unit: '%',
        resources: 12,
        is_complete: true,
        last_sample_at: '2026-11-22T05:25:00Z',
      },
    ],
    next: null,
  },
  listResourceTable: {
    resources: [
      {
        resource_id: 'web-1',
        project_id: 'default',
        user_id: 'default',
        source: 'openstack',
        meters: ['cpu_util', 'memory.usage'],
        meter_count: 2,
        is_complete: true,
        last_sample_at: '2026-11-22T05:25:00Z',
      },
    ],
    next: null,
  },
};
