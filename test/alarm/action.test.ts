import { expect, test } from '@jest/globals';

import { hasUserInfo, hostOf, needsTrust, parseAction, scrubAction, withoutTrust } from '../../src/alarm/action.js';

test.each([
  ['http://H/p', 'h:80'],
  ['https://h:8443/p', 'h:8443'],
  ['trust+http://H/p', 'h:80'],
  ['trust+https://h/p', 'h:443'],
  ['TRUST+https://h:8004/p', 'h:8004'],
  ['queue://jobs', 'queue:jobs'],
  ['log:', 'log:'],
  ['zaqar://?topic=x', 'zaqar:'],
  ['trust+zaqar:?queue_name=q', 'trust+zaqar:'],
  ['trust+heat://', 'trust+heat:'],
])('deliveries of %s are counted by %s', (action, host) => {
  expect(hostOf(parseAction(action))).toBe(host);
});

test.each([
  ['trust+http://id:delete@h/p?a=b#c', 'trust+http://h/p?a=***'],
  ['trust+zaqar://id@?queue_name=q', 'trust+zaqar://?queue_name=***'],
  ['zaqar:?queue_name=q&signature=s', 'zaqar:?queue_name=***&signature=***'],
  ['trust+heat:', 'trust+heat:'],
])('%s is logged as %s', (action, scrubbed) => {
  expect(scrubAction(action)).toBe(scrubbed);
});

test.each([
  ['http://a@h/', false, true],
  ['trust+http://h/a@b?c@d', true, false],
  ['Trust+HTTPS://a@h/', true, true],
  ['trust+zaqar:?queue_name=a@b', true, false],
  ['zaqar:', false, false],
])('%s needs a trust: %s, has user info: %s', (action, trust, info) => {
  expect([needsTrust(action), hasUserInfo(action)]).toEqual([trust, info]);
});

test('what is behind trust+ stays as it was written', () => {
  expect(withoutTrust('TRUST+HTTP://H/%7e?trust+http://x')).toBe('HTTP://H/%7e?trust+http://x');
});
