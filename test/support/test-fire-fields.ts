import { MEMBER, thresholdBody, type TestApi } from './api.js';
import { shown } from './field-meanings.js';

type Fields = Record<string, unknown>;

const ACTIONS = {
  alarm_actions: ['http://r.example.com/1', 'http://r.example.com/2'],
  ok_actions: ['http://r.example.com/3'],
};
const BODY = { confirm: 'cpu high', actions: [0] };

/** The rows of the fields of tests of actions: answers twice without the other value of the field, once with it. */
export function testFireRows({ api, empty }: { api: () => TestApi; empty: () => Promise<void> }) {
  const send = async (path: string, body: Fields): Promise<string> =>
    shown(await api().ask('POST', path, { as: MEMBER, body }));
  const tested = async (fields: Fields): Promise<string> => {
    await empty();
    const id = await api().create(thresholdBody(ACTIONS), MEMBER);
    return send(`/v1/alarms/${id}/test-fire`, { ...BODY, ...fields });
  };
  const testedDraft = (fields: Fields): Promise<string> =>
    send('/v1/alarms/test-fire', { alarm: thresholdBody(ACTIONS), ...BODY, ...fields });
  const rowsOf = (route: string, test: (fields: Fields) => Promise<string>) => {
    const answers = (other: Fields) => async () => [await test({}), await test({}), await test(other)];
    return {
      [`POST ${route}: confirm`]: { answers: answers({ confirm: 'x' }), meaning: 'refused' as const },
      [`POST ${route}: state`]: { answers: answers({ state: 'ok' }) },
      [`POST ${route}: actions`]: { answers: answers({ actions: [1] }) },
    };
  };
  return { ...rowsOf('/v1/alarms/{id}/test-fire', tested), ...rowsOf('/v1/alarms/test-fire', testedDraft) };
}
