/** Where a URL leads. It is written down here by hand, so that nothing depends on the code that is tried. */
export type Place =
  /** A metadata service of a cloud: never called. */
  | 'metadata'
  /** Loopback and private networks: called by a service for this machine only. */
  | 'private'
  /** Not public, and not private either: called only if it is listed. */
  | 'special'
  /** Public, with a port that no receiver may have. */
  | 'port'
  /** Cannot be a receiver's URL at all. */
  | 'malformed'
  /** Public: always called. */
  | 'public';

/** One URL of the corpus. */
export interface TriedUrl {
  url: string;
  place: Place;
  /** The kind of trick, for the counts. */
  kind: string;
}

const LOOPBACK_FORMS = [
  ...['127.0.0.1', '127.0.0.1.', '127.1', '127.0.1', '2130706433', '0x7f000001', '0X7F000001', '017700000001'],
  ...['0177.0.0.1', '0x7f.1', '0x7f.0.0.1', '0x7f.0x0.0x0.0x1', '0177.0000.0000.0001', '127.255.255.255', '127.0.0.2'],
  ...['①②⑦.⓪.⓪.①', '１２７.0.0.1', '127。0。0。1', '127．0．0．1', '127｡0｡0｡1', '%31%32%37.0.0.1', '127.0.0.%31'],
  ...['[::1]', '[0:0:0:0:0:0:0:1]', '[::0001]', '[0000:0000:0000:0000:0000:0000:0000:0001]', '[::ffff:127.0.0.1]'],
  ...['[::ffff:7f00:1]', '[0:0:0:0:0:ffff:7f00:0001]', '[::FFFF:7F00:0001]'],
  ...['localhost', 'LOCALHOST', 'LocalHost', 'localhost.', 'a.localhost', 'a.b.localhost.', 'ｌocalhost'],
];

const PRIVATE_ADDRESSES = [
  ...['10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.0', '192.168.255.255', '100.64.0.0'],
  ...['100.127.255.255', '10.0.0.9', '167772169', '0x0a000009', '012.0.0.9', '10.9', '192.168.257', '0xc0a80101'],
  ...['[fc00::]', '[fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]', '[fd00::1]', '[::ffff:10.0.0.9]', '[::ffff:a00:9]'],
];

/** First and last address of each network that is neither public nor private. */
const SPECIAL_ADDRESSES = [
  ...['0.0.0.0', '0.255.255.255', '0', '0x0', '169.254.0.0', '169.254.255.255', '192.0.0.0', '192.0.0.255'],
  ...['192.0.2.0', '192.0.2.255', '192.88.99.0', '192.88.99.255', '198.18.0.0', '198.19.255.255', '198.51.100.0'],
  ...['198.51.100.255', '203.0.113.0', '203.0.113.255', '224.0.0.0', '239.255.255.255', '240.0.0.0', '255.255.255.254'],
  ...['255.255.255.255', '4294967295', '0xffffffff'],
  ...['[::]', '[::2]', '[::ffff]', '[::7f00:1]', '[::10.0.0.9]', '[::ffff:0:127.0.0.1]', '[::ffff:0:a00:9]'],
  ...['[64:ff9b::1]', '[64:ff9b::7f00:1]', '[64:ff9b::10.0.0.9]', '[64:ff9b::ffff:ffff]', '[64:ff9b:1::]'],
  ...['[64:ff9b:1:ffff:ffff:ffff:ffff:ffff]', '[64:ff9b:1::7f00:1]', '[100::]', '[100::ffff:ffff:ffff:ffff]'],
  ...[
    '[5f00::]',
    '[5f00:ffff::1]',
    '[fe80::]',
    '[fe80::1]',
    '[febf:ffff::1]',
    '[fec0::]',
    '[feff:ffff::1]',
    '[ff00::]',
  ],
  ...['[ff02::1]', '[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]', '[2001::]', '[2001:1ff:ffff::1]', '[2001:db8::]'],
  ...['[2001:db8:ffff:ffff::1]', '[2002::]', '[2002:7f00:1::]', '[2002:a00:9::1]', '[2002:ffff:ffff::1]', '[3fff::]'],
  ...['[3fff:fff:ffff::1]', '[4000::1]', '[1fff::1]', '[2001:0:7f00:1::1]', '[2001:0:101:101::80ff:fffe]'],
  ...['[2600::5efe:7f00:1]', '[2600::200:5efe:a00:9]', '[2600:1:2:3:0:5efe:10.0.0.9]'],
];

const METADATA_IPV4 = [
  ...['169.254.169.254', '169.254.169.253', '169.254.169.123', '169.254.170.2', '169.254.170.23', '100.100.100.200'],
  ...['168.63.129.16', '192.0.0.192'],
];
const METADATA_IPV6 = ['[fd00:ec2::254]', '[fd00:ec2::23]', '[fd20:ce::254]', '[FD00:0EC2:0:0:0:0:0:0254]'];

/** Every way to write an IPv4 address, alone and within an IPv6 one. */
function formsOf(address: string): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const hex = (value: number): string => value.toString(16);
  const [high, low] = [hex(a * 256 + b), hex(c * 256 + d)];
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  return [
    ...[address, `${address}.`, String(number), `0x${hex(number)}`, `0${number.toString(8)}`],
    ...[`0${a.toString(8)}.${b}.${c}.${d}`, `${a}.${b}.${c * 256 + d}`, `0x${hex(a)}.${b}.${c}.0x${hex(d)}`],
    ...[`[::ffff:${address}]`, `[::ffff:${high}:${low}]`, `[::${high}:${low}]`, `[::ffff:0:${high}:${low}]`],
    ...[`[64:ff9b::${high}:${low}]`, `[64:ff9b::${address}]`, `[64:ff9b:1::${high}:${low}]`],
    ...[`[2002:${high}:${low}::1]`, `[2001:0:${high}:${low}::1]`, `[2600::5efe:${high}:${low}]`],
  ];
}

/** Ports that no receiver may have; the canary listens at all of them. */
export const DENIED_PORTS = [
  ...[1, 21, 22, 23, 25, 53, 79, 81, 110, 143, 389, 442, 444, 445, 465, 587, 993, 1023, 2375, 2376, 2380, 3306, 5432],
  ...[5672, 6379, 6443, 8500, 9092, 9200, 9300, 10250, 11211, 27017],
];

/** Names of the name server of this trial, and what each of them resolves to: see name-server.ts. */
const NAMES: readonly [name: string, place: Place][] = [
  ['loopback.test', 'private'],
  ['private.test', 'private'],
  ['metadata.test', 'metadata'],
  ['public-and-private.test', 'private'],
  ['private-and-public.test', 'private'],
  ['public-and-metadata.test', 'metadata'],
  ['aaaa-loopback.test', 'private'],
  ['aaaa-mapped.test', 'private'],
  ['aaaa-nat64-metadata.test', 'metadata'],
  ['aaaa-6to4-metadata.test', 'metadata'],
  ['aaaa-compatible-metadata.test', 'metadata'],
  ['aaaa-translated-metadata.test', 'metadata'],
  ['aaaa-unique-local-metadata.test', 'metadata'],
  ['public-v4-private-v6.test', 'private'],
  ['cname-to-private.test', 'private'],
  ['cname-chain-to-metadata.test', 'metadata'],
  ['zero.test', 'special'],
  ['link-local.test', 'special'],
  ['PRIVATE.Test', 'private'],
  ['private.test.', 'private'],
  ['unix:/var/run/docker.sock:', 'private'],
];

/** Texts that hide where they lead. `HOST` stands for the address. */
const TRICKS = [
  ...['http://a@HOST/', 'http://1.1.1.1@HOST/', 'http://1.1.1.1:80@HOST/', 'http://user:1.1.1.1@HOST/'],
  ...['http://HOST#@1.1.1.1/', 'http://HOST?@1.1.1.1/', 'http://HOST/@1.1.1.1/', 'http://1.1.1.1%40x@HOST/'],
  ...[
    'HTTP://HOST/',
    'hTtPs://HOST/',
    'http://HOST:80/',
    'http://HOST:0080/',
    'http://HOST:8080/../..//',
    'http://HOST',
  ],
  ...['https://HOST:443/latest', 'http://HOST/%2e%2e/', 'http://a:b@HOST:8080/?x=1#y'],
];
const MALFORMED = [
  ...[
    'http://1.1.1.1\\@127.0.0.1/',
    'http://127.0.0.1\\.1.1.1.1/',
    'http://1.1.1.1\t@127.0.0.1/',
    'http://127.0.0.\n1/',
  ],
  ...[
    'http:///127.0.0.1/',
    'http:/127.0.0.1/',
    'http:127.0.0.1/',
    'http://127.0.0.1:99999/',
    'http://[::1/',
    'http://::1/',
  ],
  ...[
    'http://[fe80::1%25lo]/',
    'http://[::1%lo]/',
    'http://0x7g.0.0.1.256/',
    'http://127.0.0.256/',
    'http://1.1.1.1:0/',
  ],
  ...[
    'ftp://127.0.0.1/',
    'file:///etc/passwd',
    'gopher://127.0.0.1:6379/_x',
    'dict://127.0.0.1:11211/',
    'ldap://10.0.0.9/',
  ],
  ...['unix:/var/run/docker.sock', 'jar:http://127.0.0.1/', 'trust+ftp://10.0.0.9/'],
];

const PUBLIC = [
  ...[
    'http://1.1.1.1/',
    'http://9.9.9.9:8080/',
    'https://8.8.8.8:8443/',
    'http://[2600::1]/',
    'http://[2a00:1::5]:8080/',
  ],
  ...['http://[::ffff:1.1.1.1]/', 'http://public.test/', 'http://public.test:8080/x?y=z', 'http://public.test./'],
  ...['http://cname-to-public.test/', 'http://user:word@public.test/', 'http://11.0.0.1/', 'http://172.32.0.1/'],
];

function at(kind: string, place: Place, hosts: readonly string[], scheme = 'http'): TriedUrl[] {
  return hosts.map((host) => ({ url: `${scheme}://${host}/`, place, kind }));
}

/** Every URL that is tried. */
export const URLS: readonly TriedUrl[] = [
  ...at('spelling of loopback', 'private', LOOPBACK_FORMS),
  ...at(
    'spelling of loopback',
    'private',
    LOOPBACK_FORMS.map((host) => `${host}:8080`),
    'https',
  ),
  ...at('private network', 'private', PRIVATE_ADDRESSES),
  ...at('network that is not public', 'special', SPECIAL_ADDRESSES),
  ...at('metadata service', 'metadata', [...METADATA_IPV4.flatMap(formsOf), ...METADATA_IPV6]),
  ...NAMES.map(([name, place]) => ({ url: `http://${name}/`, place, kind: 'name' })),
  ...TRICKS.flatMap((text): TriedUrl[] => [
    { url: text.replace('HOST', '10.0.0.9'), place: 'private', kind: 'hidden host' },
    { url: text.replace('HOST', '169.254.169.254'), place: 'metadata', kind: 'hidden host' },
  ]),
  ...DENIED_PORTS.map((port): TriedUrl => ({ url: `http://1.1.1.1:${port}/`, place: 'port', kind: 'port' })),
  ...MALFORMED.map((url): TriedUrl => ({ url, place: 'malformed', kind: 'malformed' })),
  ...PUBLIC.map((url): TriedUrl => ({ url, place: 'public', kind: 'public' })),
];
