import { ask, type Answered, type Asked } from '../../support/api.js';
import { MEMBER, type Exchange } from './exchange.js';

/** One of the two services, and the ids by which it knows what both have created. */
export interface Side {
  ask(method: string, path: string, asked: Asked): Promise<Answered>;
  ids: Map<string, string>;
}

/** What is compared of an answer. */
export interface Comparable {
  status: number;
  type: string | undefined;
  location: string | undefined;
  body: string;
}

export const sideAt = (url: string): Side => ({
  ask: (method, path, asked) => ask(method, url + path, asked),
  ids: new Map(),
});

/** Sends the request, with the ids of this side in it, and takes out of the answer what cannot be the same on both. */
export async function answerOf(side: Side, exchange: Exchange): Promise<Comparable> {
  const { method, path, as = MEMBER, body, raw, headers = {} } = exchange;
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const own = (text: string): string =>
    text.replace(/\{(\w+)\}/g, (whole, name: string) => side.ids.get(name) ?? whole);
  const asked = { as, headers, ...(sent === undefined ? {} : { raw: own(sent) }) };
  const answer = await side.ask(method, encodeURI(own(path)).replaceAll('%25', '%'), asked);
  if (exchange.saves && answer.status === 201)
    side.ids.set(exchange.saves, answer.json<{ alarm_id: string }>().alarm_id);
  const { 'content-type': type, location } = answer.headers;
  return {
    status: answer.status,
    type,
    location: location && neutral(new URL(location).pathname, side),
    body: neutral(answer.text, side),
  };
}

const OWN_ADDRESS = /127\.0\.0\.1:\d+/g;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** Moments, also in the text of a history entry. When an alarm was evaluated last is each service's own affair. */
const MOMENT = /(\\?"(?:state_)?timestamp\\?": ?)\\?"[^"\\]+\\?"/g;
const EVALUATED = /("evaluate_timestamp": ?)(?:"[^"]+"|null)/g;
/** Names that Python keeps without an order. */
const UNORDERED = /(Value should be one of: |supported data type list is: |only fields )([^"]+)/g;

function neutral(text: string, side: Side): string {
  const names = new Map([...side.ids].map(([name, id]) => [id, `{${name}}`]));
  return sameForm(text)
    .replaceAll(OWN_ADDRESS, '{address}')
    .replaceAll(UUID, (id) => names.get(id) ?? '{id}')
    .replaceAll(MOMENT, '$1{moment}')
    .replaceAll(EVALUATED, '$1{evaluated}')
    .replaceAll(
      UNORDERED,
      (_, what: string, list: string) => what + [...list.matchAll(/\w[\w ]*/g)].map(String).sort().join(),
    );
}

/**
 * Without blanks between tokens, and strings without needless escapes. The order of fields and the form of numbers
 * stay.
 */
function sameForm(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (token) =>
    token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : '',
  );
}
