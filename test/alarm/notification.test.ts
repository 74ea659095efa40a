import { expect, test } from '@jest/globals';

import { alarmLinkAt, notificationBody } from '../../src/alarm/notification.js';
import { PythonFloat } from '../../src/alarm/wire/python-json.js';

test('the body has the seven keys of Aodh, in its order and spacing', () => {
  const body = notificationBody({
    alarmName: 'cpu_high',
    alarmId: 'id1',
    severity: 'low',
    previous: 'ok',
    current: 'alarm',
    reason: 'Transition to alarm due to 1 samples outside threshold, most recent: 5.0',
    reasonData: { type: 'threshold', disposition: 'outside', count: 1, most_recent: new PythonFloat(5) },
  });
  expect(body).toBe(
    '{"alarm_name": "cpu_high", "alarm_id": "id1", "severity": "low", "previous": "ok", "current": "alarm", ' +
      '"reason": "Transition to alarm due to 1 samples outside threshold, most recent: 5.0", ' +
      '"reason_data": {"type": "threshold", "disposition": "outside", "count": 1, "most_recent": 5.0}}',
  );
});

test('series and link are the last keys of reason_data', () => {
  const body = notificationBody({
    alarmName: 'cpu_high',
    alarmId: 'id1',
    severity: 'low',
    previous: 'ok',
    current: 'alarm',
    reason: 'because',
    reasonData: { type: 'threshold' },
    series: { first: [{ labels: { host: 'ü' }, value: 5 }], total: 7 },
    link: alarmLinkAt('https://alarms.example.com/x')('id/1'),
  });
  expect(body.slice(body.indexOf('"reason_data"'))).toBe(
    '"reason_data": {"type": "threshold", "series": [{"labels": {"host": "\\u00fc"}, "value": 5.0}], ' +
      '"series_total": 7, "link": "https://alarms.example.com/x/console#/alarm/id%2F1"}}',
  );
});
