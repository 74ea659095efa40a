import { expect, test } from '@jest/globals';

import { egressWith } from '../support/egress.js';

const guard = egressWith({ httpsOnly: true });

test.each([
  ['http://1.1.1.1/', { kind: 'blocked', refusal: 'not https' }],
  ['http://hooks.example.com/', { kind: 'blocked', refusal: 'not https' }],
  ['http://169.254.169.254/', { kind: 'blocked', refusal: 'not https' }],
  ['https://169.254.169.254/', { kind: 'blocked', refusal: 'metadata service' }],
  ['https://1.1.1.1/', { kind: 'allowed' }],
])('with notifier.https_only_actions, a call of %s by this service or by Zaqar: %p', async (url, verdict) => {
  const gate = await guard.gateTo(new URL(url), 'p');
  expect([await gate.host(), await gate.resolved()]).toEqual([verdict, verdict]);
});
