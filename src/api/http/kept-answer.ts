import { pythonJson, type PythonValue } from '../../alarm/wire/python-json.js';
import type { KeptContent } from '../../storage/idempotency/idempotency-store.js';
import type { ApiAnswer } from './answer.js';

/** Most characters of an answer that is kept. */
export const MOST_KEPT = 65_536;

/** An answer to send, and the content to keep: undefined if it shows a secret or is too long. */
interface SentAndKept {
  answer: ApiAnswer;
  content: KeptContent | undefined;
}

/** Chooses the content to keep. It may read pages of the answer for this: the returned answer has all pages. */
export async function keep(answer: ApiAnswer, { showsSecret }: { showsSecret: boolean }): Promise<SentAndKept> {
  const { headers = {}, body, text, pages, listName, stream } = answer;
  const without = (sent: ApiAnswer): SentAndKept => ({ answer: sent, content: undefined });
  if (showsSecret || stream || listName !== undefined) return without(answer);
  const json = (content: string): KeptContent => ({
    headers,
    body: { contentType: 'application/json', text: content },
  });
  if (pages) {
    const { shown, start } = await beginningOf(pages);
    const sent = { ...answer, pages: shown };
    return start === undefined ? without(sent) : { answer: sent, content: json(start) };
  }
  const content: KeptContent = text
    ? { headers, body: { contentType: text.contentType, text: String(text.content) } }
    : body === undefined
      ? { headers, body: null }
      : json(pythonJson(body));
  return (content.body?.text.length ?? 0) > MOST_KEPT ? without(answer) : { answer, content };
}

type Pages = AsyncIterable<readonly PythonValue[]>;

/** The pages again, and the text of the whole list; undefined if it is too long to be kept. */
async function beginningOf(pages: Pages): Promise<{ shown: Pages; start: string | undefined }> {
  const read: (readonly PythonValue[])[] = [];
  const texts: string[] = [];
  let length = 0;
  const rest = pages[Symbol.asyncIterator]();
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    read.push(next.value);
    if (next.value.length > 0) texts.push(next.value.map((item) => pythonJson(item)).join(', '));
    length += texts.at(-1)?.length ?? 0;
    if (length > MOST_KEPT) return { shown: joined(read, rest), start: undefined };
  }
  return { shown: joined(read, rest), start: `[${texts.join(', ')}]` };
}

async function* joined(
  read: readonly (readonly PythonValue[])[],
  rest: AsyncIterator<readonly PythonValue[]>,
): AsyncGenerator<readonly PythonValue[]> {
  yield* read;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
