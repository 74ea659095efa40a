/** Most headers of a receiver, and most bytes of their names and values together. */
const MOST_HEADERS = 10;
const MOST_BYTES = 4_096;

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
/** Visible ASCII characters, with spaces and tabs between them. */
const VALUE = /^[!-~](?:[\t -~]*[!-~])?$/;

/** Headers of the connection and of the message, in lower case. */
const MESSAGE_HEADERS = 'host connection keep-alive te trailer transfer-encoding upgrade http2-settings expect'.split(
  ' ',
);
/** Headers that Tocsin sends, that proxies add, or that other services take for credentials. */
const RESERVED_HEADERS = 'user-agent x-openstack-request-id x-auth-token cookie cookie2 set-cookie forwarded'.split(
  ' ',
);
const REFUSED_NAMES = new Set([...MESSAGE_HEADERS, ...RESERVED_HEADERS]);
/** Cloud metadata services give credentials to requests with `Metadata-Flavor`, `Metadata` or `X-aws-ec2-…`. */
const REFUSED_PREFIXES = 'content- proxy- x-forwarded- x-aws- metadata webhook- tocsin-'.split(' ');

/** A problem of one header, or of all together. It quotes no value, which may be a secret. */
export interface HeaderProblem {
  /** Undefined if all headers together are the problem, or if the name is no token. */
  name?: string;
  message: string;
}

/** The first problem for which headers are refused; undefined if a receiver may have them. */
export function headersProblem(headers: Readonly<Record<string, unknown>>): HeaderProblem | undefined {
  const entries = Object.entries(headers);
  if (entries.length > MOST_HEADERS) return { message: `There should be at most ${MOST_HEADERS} headers` };
  if (bytesOf(entries) > MOST_BYTES)
    return { message: `Names and values should have at most ${MOST_BYTES} bytes together` };
  const names = new Set<string>();
  for (const [name, value] of entries) {
    if (!TOKEN.test(name))
      return { message: "The name of a header consists of letters, digits and !#$%&'*+-.^_`|~ (RFC 9110)" };
    const compared = name.toLowerCase().replaceAll('_', '-'); // many servers make no difference between the two
    const message = nameProblem(compared, names) ?? valueProblem(value);
    if (message !== undefined) return { name, message };
    names.add(compared);
  }
  return undefined;
}

function bytesOf(entries: readonly [name: string, value: unknown][]): number {
  return entries.reduce((sum, [name, value]) => sum + name.length + (typeof value === 'string' ? value.length : 0), 0);
}

function nameProblem(name: string, others: ReadonlySet<string>): string | undefined {
  if (REFUSED_NAMES.has(name) || REFUSED_PREFIXES.some((prefix) => name.startsWith(prefix)))
    return 'Receivers cannot have this header';
  return others.has(name) ? 'The header is there twice: letter case makes no difference, nor do - and _' : undefined;
}

function valueProblem(value: unknown): string | undefined {
  return typeof value === 'string' && VALUE.test(value)
    ? undefined
    : 'The value should be visible ASCII characters, with spaces and tabs between them only';
}
