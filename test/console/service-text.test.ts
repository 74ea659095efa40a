import { beforeEach, describe, expect, test } from '@jest/globals';

import { textParts } from '../../src/console/elements/text-parts.js';
import { MEMBER, thresholdBody } from '../support/api.js';
import { startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';

describe('the parts of a sentence of the service', () => {
  const at = '2026-01-01T12:00:00Z';

  test.each([
    { of: 'no time', text: 'all was well.', parts: ['all was well.'] },
    { of: 'a time at its end', text: `paused until ${at}`, parts: ['paused until ', { at }] },
    { of: 'a time before a mark', text: `At ${at}: calm`, parts: ['At ', { at }, ': calm'] },
    { of: 'a time in quotes', text: `'${at}'. It is late`, parts: ["'", { at }, "'. It is late"] },
    {
      of: 'a refused value that holds a time',
      text: `field name. Value: 'it's ${at}'. It is taken until ${at}`,
      parts: ['field name. ', `Value: 'it's ${at}'`, '. It is taken until ', { at }],
    },
    { of: 'a refused value at its end', text: `Value: '${at}'`, parts: [`Value: '${at}'`] },
    { of: 'a time at the end of a sentence', text: `since ${at}.`, parts: ['since ', { at }, '.'] },
    { of: 'two times', text: `${at} to ${at}`, parts: [{ at }, ' to ', { at }] },
    {
      of: 'a time with microseconds',
      text: 'at 2026-01-01T12:00:00.123456Z',
      parts: ['at ', { at: '2026-01-01T12:00:00.123456Z' }],
    },
    {
      of: 'a time with an offset',
      text: 'at 2026-01-01T13:00:00+01:00',
      parts: ['at ', { at: '2026-01-01T13:00:00+01:00' }],
    },
    { of: 'a time without a zone', text: 'at 2026-01-01T12:00:00', parts: ['at 2026-01-01T12:00:00'] },
    { of: 'a day that does not exist', text: 'at 2026-13-41T12:00:00Z', parts: ['at ', '2026-13-41T12:00:00Z'] },
    { of: 'a 30 February', text: 'at 2026-02-30T12:00:00Z', parts: ['at ', '2026-02-30T12:00:00Z'] },
    {
      of: 'a 29 February of a leap year, far from UTC',
      text: 'at 2028-02-29T23:30:00-11:00',
      parts: ['at ', { at: '2028-02-29T23:30:00-11:00' }],
    },
    { of: 'a name that holds a time', text: `job-${at}`, parts: [`job-${at}`] },
    { of: 'nothing', text: '', parts: [] },
  ])('with $of are words and times', ({ text, parts }) => {
    expect(textParts(text)).toEqual(parts);
  });
});

describeWith(['chromium'], 'sentences of the service on the page', () => {
  const rig = startPageRig();
  let id: string;

  beforeEach(async () => {
    id = await rig.api.create(thresholdBody({ name: 'cpu high', alarm_actions: ['http://r.example/'] }), MEMBER);
  });

  test('have the times of an explanation in the zone of the user, and UTC when the pointer is on them', async () => {
    const { page } = await rig.open(`alarm/${id}?project=p1`);
    const sentence = page.getByRole('region', { name: 'Explanation' }).locator('.sentence');
    await sentence.getByText('1 Jan 2026, 13:00:00').waitFor();
    expect(await sentence.textContent()).not.toMatch(/\d{4}-\d\d-\d\dT/);
    expect(await sentence.locator('time').getAttribute('title')).toBe('2026-01-01 12:00:00 UTC');
  });

  test('have the times of a refusal in the zone of the user', async () => {
    await rig.api.ask('PUT', '/v1/delivery-pauses/p1', { as: MEMBER, body: { ends_at: '2026-01-01T14:00:00Z' } });
    const { page } = await rig.open(`alarm/${id}?project=p1`);
    await page.getByRole('button', { name: 'Test-fire' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/Type the name/).fill('cpu high');
    await dialog.getByRole('button', { name: 'Send the test' }).click();
    const refusal = dialog.getByRole('alert');
    await refusal.getByText('1 Jan 2026, 15:00:00').waitFor();
    expect(await refusal.textContent()).toMatch(
      /^Deliveries of project p1 are paused until 1 Jan 2026, 15:00:00: nothing/,
    );
    expect(await refusal.locator('time').getAttribute('title')).toBe('2026-01-01 14:00:00 UTC');
  });
});
