import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { refusedAction, scrubAction, withoutActionSecrets, withoutTrust } from '../../src/alarm/action-text.js';
import { hasUserInfo, hostOf, needsTrust, parseAction } from '../../src/alarm/action.js';
import { secretActions } from '../support/secret-actions.js';

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

test('a refusal shows no secret part of an action, also if the action is within another text', () => {
  const property = fc.property(secretActions, ({ action, secrets }) => {
    const texts = [action, ` ${action}`, `x${action}`, `${action} x`];
    const shown = JSON.stringify([texts.map(refusedAction), withoutActionSecrets({ texts, number: 7 })]);
    for (const secret of secrets) expect(shown).not.toContain(secret);
  });
  fc.assert(property, { numRuns: 1_000 });
});

test.each(['job:http:rate5m{a="b"} > 3', 'http:requests:rate5m > 3', 'cpu_util', 'a note: http is slow', '5 @ 3'])(
  'the refused value %j is shown whole, since it holds no action',
  (value) => {
    expect(withoutActionSecrets(value)).toBe(value);
  },
);

test('a URL within a refused value is shown without its secret parts', () => {
  expect(withoutActionSecrets('up{url="http://u:p@h/x?k=v"}')).toBe('up{url="http://h/x?k=***"}');
});

test.each<[string, unknown]>([
  ['a text with ten thousand URLs', 'a://b '.repeat(10_000)],
  ['a list of ten thousand URLs', Array(10_000).fill('a://b')],
  ['lists of ten thousand URLs', [[[Array(10_000).fill('a://b')]]]],
  ['an object of ten thousand URLs', Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [at, 'a://b']))],
  ['a list of ten thousand numbers', Array(10_000).fill(1)],
])('of %s no more is looked at than is shown', (_, value) => {
  const shown = JSON.stringify(withoutActionSecrets(value, 200));
  expect(shown.length).toBeGreaterThan(200);
  expect(shown.length).toBeLessThan(500);
  expect(JSON.stringify(withoutActionSecrets(value))).toBe(JSON.stringify(value));
});

describe('the secrets in the path of an action', () => {
  test.each([
    ['Slack', 'https://hooks.slack.com/services/T0/B0/x9Kq', 'https://hooks.slack.com/services/***'],
    ['Slack workflows', 'https://hooks.slack.com/triggers/T0/1/x9Kq', 'https://hooks.slack.com/triggers/***'],
    [
      'Slack, spelt otherwise',
      'HTTPS://Hooks.Slack.COM:443/services/T0/B0/x',
      'https://Hooks.Slack.COM:443/services/***',
    ],
    ['Slack for governments', 'https://hooks.slack-gov.com/services/T/B/x', 'https://hooks.slack-gov.com/services/***'],
    [
      'Slack with a token of Keystone',
      'trust+https://hooks.slack.com/services/T/B/x',
      'trust+https://hooks.slack.com/services/***',
    ],
    ['Discord', 'https://discord.com/api/webhooks/12/x-Y_z', 'https://discord.com/api/webhooks/***'],
    [
      'Discord with a version',
      'https://discordapp.com/api/v10/webhooks/12/x',
      'https://discordapp.com/api/v10/webhooks/***',
    ],
    [
      'Teams',
      'https://a.webhook.office.com/webhookb2/1@2/IncomingWebhook/3/4',
      'https://a.webhook.office.com/webhookb2/***',
    ],
    [
      'Teams, its older form',
      'https://outlook.office.com/webhook/1@2/IncomingWebhook/3',
      'https://outlook.office.com/webhook/***',
    ],
    ['Mattermost', 'https://chat.example.org/hooks/xyz', 'https://chat.example.org/hooks/***'],
    ['Mattermost below a path', 'https://example.org/mm/hooks/xyz', 'https://example.org/mm/hooks/***'],
    ['Rocket.Chat', 'https://chat.example.org/hooks/id/token', 'https://chat.example.org/hooks/***'],
    ['Zapier', 'https://hooks.zapier.com/hooks/catch/1/x/', 'https://hooks.zapier.com/hooks/***'],
    ['Flock', 'https://api.flock.com/hooks/sendMessage/x', 'https://api.flock.com/hooks/***'],
    ['Webex', 'https://webexapis.com/v1/webhooks/incoming/x', 'https://webexapis.com/v1/webhooks/***'],
    [
      'Lark',
      'https://open.larksuite.com/open-apis/bot/v2/hook/x',
      'https://open.larksuite.com/open-apis/bot/v2/hook/***',
    ],
    ['Feishu', 'https://open.feishu.cn/open-apis/bot/v2/hook/x', 'https://open.feishu.cn/open-apis/bot/v2/hook/***'],
    [
      'Chime',
      'https://hooks.chime.aws/incomingwebhooks/x?token=y',
      'https://hooks.chime.aws/incomingwebhooks/***?token=***',
    ],
    ['Home Assistant', 'http://ha.local:8123/api/webhook/x', 'http://ha.local:8123/api/webhook/***'],
    [
      'Telegram',
      'https://api.telegram.org/bot12:x-Y/sendMessage?chat_id=1',
      'https://api.telegram.org/bot***?chat_id=***',
    ],
    [
      'IFTTT',
      'https://maker.ifttt.com/trigger/e/json/with/key/x',
      'https://maker.ifttt.com/trigger/e/json/with/key/***',
    ],
    ['PagerDuty', 'https://events.pagerduty.com/integration/x/enqueue', 'https://events.pagerduty.com/integration/***'],
    [
      'Splunk On-Call',
      'https://alert.victorops.com/integrations/generic/2013/alert/x/y',
      'https://alert.victorops.com/integrations/generic/2013/alert/***',
    ],
    ['Make', 'https://hook.eu1.make.com/x', 'https://hook.eu1.make.com/***'],
    ['ntfy', 'https://ntfy.sh/x', 'https://ntfy.sh/***'],
    [
      'Nextcloud Talk',
      'https://n.org/ocs/v2.php/apps/spreed/api/v1/bot/x/message',
      'https://n.org/ocs/v2.php/apps/spreed/api/v1/bot/***',
    ],
    [
      'Google Chat',
      'https://chat.googleapis.com/v1/spaces/A/messages?key=x&token=y',
      'https://chat.googleapis.com/v1/spaces/A/messages?key=***&token=***',
    ],
    [
      'Power Automate',
      'https://p.westeurope.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?sig=x',
      'https://p.westeurope.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?sig=***',
    ],
    [
      'DingTalk',
      'https://oapi.dingtalk.com/robot/send?access_token=x',
      'https://oapi.dingtalk.com/robot/send?access_token=***',
    ],
    [
      'Opsgenie',
      'https://api.opsgenie.com/v1/json/prometheus?apiKey=x',
      'https://api.opsgenie.com/v1/json/prometheus?apiKey=***',
    ],
    [
      'Zulip',
      'https://z.org/api/v1/external/slack_incoming?api_key=x',
      'https://z.org/api/v1/external/slack_incoming?api_key=***',
    ],
    ['Gitter', 'https://webhooks.gitter.im/e/x', 'https://webhooks.gitter.im/e/***'],
    ['Keybase', 'https://bots.keybase.io/webhookbot/x', 'https://bots.keybase.io/webhookbot/***'],
    ['Healthchecks', 'https://healthchecks.io/ping/x', 'https://healthchecks.io/ping/***'],
    ['Bark', 'https://api.day.app/x/title', 'https://api.day.app/***'],
    ['ServerChan', 'https://sctapi.ftqq.com/x.send', 'https://sctapi.ftqq.com/***'],
    [
      'Slack with the dot of the root',
      'https://hooks.slack.com./services/T/B/x',
      'https://hooks.slack.com./services/***',
    ],
    [
      'Slack with an escaped host',
      'https://hooks%2Eslack.com/services/T/B/x',
      'https://hooks%2Eslack.com/services/***',
    ],
    [
      'Slack with full-width dots',
      'https://hooks\u3002slack.com/services/T/B/x',
      'https://hooks\u3002slack.com/services/***',
    ],
    ['Slack with backslashes', 'https://hooks.slack.com/services\\T\\B\\x', 'https://hooks.slack.com/services/***'],
    [
      'Slack with escaped slashes',
      'https://hooks.slack.com/services%2FT%2FB%2fx',
      'https://hooks.slack.com/services/***',
    ],
    [
      'Discord with an escaped slash',
      'https://discord.com/api%2Fwebhooks/12/x',
      'https://discord.com/api/webhooks/***',
    ],
    [
      'Discord with an escaped letter',
      'https://discord.com/api/%77ebhooks/12/x',
      'https://discord.com/api/webhooks/***',
    ],
    [
      'Telegram with an escaped colon',
      'https://api.telegram.org/bot12%3Ax/sendMessage',
      'https://api.telegram.org/bot***',
    ],
    [
      'a service that we do not know',
      'https://chat.example.org/in/aB3dE6gH9jK2mN5pQ8sT',
      'https://chat.example.org/in/***',
    ],
  ])('of %s are cut', (_, action, scrubbed) => {
    expect(scrubAction(action)).toBe(scrubbed);
  });

  test.each([
    'http://10.0.0.5:8000/v1/signal/arn%3Aopenstack%3Aheat%3A%3A5f1e%3Astacks/asg/0a7a15ff-2f7e-4b8c-9d00-1a2b3c4d5e6f/resources/scaleup_policy',
    'https://heat:8004/v1/5f1e0a7a15ff2f7e4b8c9d001a2b3c4d/stacks/asg-group-x7k2p4m9q1w8/resources/ScaleUpPolicy/signal',
    'http://receiver/hook',
    'http://receiver/hooks',
    'http://receiver/webhook/',
    'http://receiver/scale-up?',
  ])('are not found in %s', (action) => {
    expect(scrubAction(action)).toBe(action.replace(/\?$/, ''));
  });
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

test('the URL behind trust+ stays as it was written', () => {
  expect(withoutTrust('TRUST+HTTP://H/%7e?trust+http://x')).toBe('HTTP://H/%7e?trust+http://x');
});
