import { createSocket } from 'node:dgram';
import dnsPacket, { type Answer } from 'dns-packet';

type Type = 'A' | 'AAAA';
/** What a name resolves to; a function is asked for each query, so that the name can change its mind. */
type Addresses = readonly string[] | (() => readonly string[]);

const PUBLIC = '1.1.1.1';
const PRIVATE = '10.0.0.9';
const METADATA = '169.254.169.254';

/** Names by their records. Names that are not here do not exist. */
const RECORDS: Readonly<Record<string, { A?: Addresses; AAAA?: Addresses; CNAME?: string }>> = {
  'public.test': { A: [PUBLIC], AAAA: ['2600::1'] },
  'loopback.test': { A: ['127.0.0.1'] },
  'private.test': { A: [PRIVATE] },
  'metadata.test': { A: [METADATA] },
  'public-and-private.test': { A: [PUBLIC, PRIVATE] },
  'private-and-public.test': { A: [PRIVATE, PUBLIC] },
  'public-and-metadata.test': { A: [PUBLIC, METADATA] },
  'aaaa-loopback.test': { AAAA: ['::1'] },
  'aaaa-mapped.test': { AAAA: ['::ffff:10.0.0.9'] },
  'aaaa-nat64-metadata.test': { AAAA: ['64:ff9b::a9fe:a9fe'] },
  'aaaa-6to4-metadata.test': { AAAA: ['2002:a9fe:a9fe::1'] },
  'aaaa-compatible-metadata.test': { AAAA: ['::a9fe:a9fe'] },
  'aaaa-translated-metadata.test': { AAAA: ['::ffff:0:a9fe:a9fe'] },
  'aaaa-unique-local-metadata.test': { AAAA: ['fd00:ec2::254'] },
  'public-v4-private-v6.test': { A: [PUBLIC], AAAA: ['fd00::1'] },
  'cname-to-private.test': { CNAME: 'private.test' },
  'cname-to-public.test': { CNAME: 'public.test' },
  'cname-chain-to-metadata.test': { CNAME: 'cname-2.test' },
  'cname-2.test': { CNAME: 'cname-3.test' },
  'cname-3.test': { CNAME: 'metadata.test' },
  'zero.test': { A: ['0.0.0.0'] },
  'link-local.test': { A: ['169.254.1.1'] },
  'hooks.internal': { A: [PRIVATE] },
  'turning.test': { A: alternating(PUBLIC, PRIVATE) },
  'turning-to-metadata.test': { A: alternating(PUBLIC, METADATA) },
};

/** The name whose every second answer is a private address, at its first query a public one. */
export const TURNING_NAMES = ['turning.test', 'turning-to-metadata.test'];

function alternating(first: string, second: string): () => readonly string[] {
  let queries = 0;
  return () => [queries++ % 2 === 0 ? first : second];
}

export interface NameServer {
  close(): Promise<void>;
}

/** A name server on UDP port 53 of every address, without any caching: each record may be kept for 0 seconds. */
export async function startNameServer(): Promise<NameServer> {
  const socket = createSocket({ type: 'udp4' });
  socket.on('message', (message, { address, port }) => {
    const query = dnsPacket.decode(message);
    const question = query.questions?.[0];
    const answers = question ? answersTo(question.name.toLowerCase(), question.type) : [];
    socket.send(
      dnsPacket.encode({
        type: 'response',
        id: query.id ?? 0,
        flags: dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE | (answers ? 0 : 3),
        questions: query.questions ?? [],
        answers: answers ?? [],
      }),
      port,
      address,
    );
  });
  await new Promise<void>((resolve) => socket.bind(53, '0.0.0.0', resolve));
  return { close: () => new Promise((resolve) => socket.close(() => resolve())) };
}

/** Undefined for a name that does not exist. */
function answersTo(name: string, type: string): Answer[] | undefined {
  const records = RECORDS[name];
  if (records === undefined) return undefined;
  if (records.CNAME !== undefined)
    return [{ name, type: 'CNAME', ttl: 0, data: records.CNAME }, ...(answersTo(records.CNAME, type) ?? [])];
  if (type !== 'A' && type !== 'AAAA') return [];
  const found = records[type satisfies Type] ?? [];
  const addresses = typeof found === 'function' ? found() : found;
  return addresses.map((data) => ({ name, type, ttl: 0, data }));
}
