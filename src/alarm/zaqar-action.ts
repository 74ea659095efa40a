const DEFAULT_TTL_S = 3_600;
/** Characters that a header can carry. */
const PRINTABLE = /^[\x20-\x7e]*$/;

/** The queue that a `zaqar` action names. */
export type ZaqarTarget =
  /**
   * A queue named by alarm and topic, in the service's own project. `ttlSeconds` is the lifetime of its subscriptions.
   */
  | { kind: 'topic'; topic: string; subscribers: readonly string[]; ttlSeconds: number }
  /** A queue of the alarm's owner. `headers` hold the owner's signature, in the form that Zaqar takes. */
  | { kind: 'signed queue'; name: string; headers: Readonly<Record<string, string>> };

/**
 * Reads the target of an action.
 * @returns the target, or an error text when the query names no target.
 */
export function zaqarTargetOf(query: URLSearchParams): ZaqarTarget | string {
  if (query.get('queue_name')) return signedQueueOf(query);
  const topic = query.getAll('topic').at(-1);
  if (!topic) return 'a zaqar action needs a topic, or a queue_name with its signature';
  const ttlSeconds = Number(query.getAll('ttl').at(-1) ?? DEFAULT_TTL_S);
  if (!Number.isInteger(ttlSeconds)) return 'ttl must be a whole number of seconds';
  return { kind: 'topic', topic, subscribers: query.getAll('subscriber'), ttlSeconds };
}

/**
 * Reads the queue name of an action.
 * @returns the name, or undefined when the query names no queue.
 */
export function zaqarQueueOf(query: URLSearchParams): string | undefined {
  const name = query.get('queue_name') ?? '';
  // A name that consists of dots would be a dot segment of the path.
  return name === '' || /^\.+$/.test(name) ? undefined : name;
}

function signedQueueOf(query: URLSearchParams): ZaqarTarget | string {
  const name = zaqarQueueOf(query);
  if (name === undefined) return 'queue_name must name a queue';
  const headers: Record<string, string> = {};
  for (const parameter of ['expires', 'methods', 'paths', 'signature', 'project_id']) {
    const value = query.get(parameter) ?? '';
    if (!PRINTABLE.test(value)) return `${parameter} must consist of printable ASCII characters`;
    headers[parameter === 'project_id' ? 'x-project-id' : `url-${parameter}`] = value;
  }
  return { kind: 'signed queue', name, headers };
}
