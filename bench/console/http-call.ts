import { request, type Agent } from 'node:http';

/** A request of the benchmark, over connections that stay open. */
export interface BenchCall {
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
}

/** Sends a request. Resolves to its body. @throws Error for a status other than 200, 201 and 204. */
export function call(
  agent: Agent,
  url: string,
  { method = 'GET', headers = {}, body }: BenchCall = {},
): Promise<string> {
  const sentBody = body === undefined ? undefined : JSON.stringify(body);
  const ofBody =
    sentBody === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(sentBody)) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers: { ...headers, ...ofBody } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if ([200, 201, 204].includes(response.statusCode ?? 0)) resolve(text);
        else reject(new Error(`${method} ${url}: ${response.statusCode} ${text}`));
      });
    });
    sent.on('error', reject);
    sent.end(sentBody);
  });
}

/** Milliseconds that each of `times` calls took, one after the other. The first ones, which load code, do not count. */
export async function durations(times: number, work: () => Promise<unknown>): Promise<number[]> {
  const found = [];
  for (let n = -Math.ceil(times / 10); n < times; n += 1) {
    const startedMs = performance.now();
    await work();
    if (n >= 0) found.push(performance.now() - startedMs);
  }
  return found;
}
