import type { Place } from './urls.js';

/** A way to run Tocsin, with what its notifier may reach. */
export interface Deployment {
  title: string;
  /** Options of the configuration. */
  options: Record<string, unknown>;
  /** Places whose URLs are called. */
  called: readonly Place[];
  /** True for an address that a connection may have. Written by hand: it does not ask the code that is tried. */
  mayReach: (address: string) => boolean;
  /** URLs that are allowed besides the public ones, and must be called. */
  controls: readonly string[];
}

const PUBLIC = new Set(['1.1.1.1', '9.9.9.9', '8.8.8.8', '2600::1', '2a00:1::5', '11.0.0.1', '172.32.0.1']);
/** True for a public address of the corpus. */
export const isPublic = (address: string): boolean => PUBLIC.has(address);
const isPrivate = (address: string): boolean =>
  address !== '100.100.100.200' &&
  !/^fd00:ec2::|^fd20:ce::/.test(address) &&
  /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd])/.test(
    address,
  );

const cloud = { auth: { mode: 'apikey' } };

/** A cloud that allows one range besides. */
function withRange(
  cidr: string,
  { reaches, controls }: { reaches: (address: string) => boolean; controls: readonly string[] },
): Deployment {
  return {
    title: `in a cloud that allows ${cidr}`,
    options: { ...cloud, egress: { allow: [{ cidr }] } },
    called: ['public'],
    mayReach: (address) => isPublic(address) || reaches(address),
    controls,
  };
}

/** All deployments that the corpus is tried on. */
export const DEPLOYMENTS: readonly Deployment[] = [
  { title: 'in a cloud', options: cloud, called: ['public'], mayReach: isPublic, controls: [] },
  {
    title: 'on loopback without authentication',
    options: { auth: { mode: 'noauth' } },
    called: ['public', 'private'],
    mayReach: (address) => isPublic(address) || isPrivate(address),
    controls: ['http://127.0.0.1:8080/', 'http://[::1]:8080/', 'http://10.0.0.9/', 'http://localhost/'],
  },
  {
    title: 'in a cloud that allows receivers on loopback',
    options: { ...cloud, egress: { allow_loopback_receivers: true } },
    called: ['public'],
    mayReach: (address) => isPublic(address) || /^127\.|^::1$/.test(address),
    controls: ['http://127.0.0.1:8080/', 'http://[::1]/'],
  },
  withRange('10.0.0.0/8', { reaches: (address) => address.startsWith('10.'), controls: ['http://10.0.0.9/x'] }),
  withRange('127.0.0.0/8', { reaches: (address) => address.startsWith('127.'), controls: ['http://127.0.0.1:8080/'] }),
  withRange('192.168.0.0/16', {
    reaches: (address) => address.startsWith('192.168.'),
    controls: ['http://192.168.1.1/'],
  }),
  withRange('100.64.0.0/10', {
    reaches: (address) => isPrivate(address) && address.startsWith('100.'),
    controls: ['http://100.64.0.1/'],
  }),
  withRange('169.254.0.0/16', {
    reaches: (address) => /^169\.254\.(?!169\.(?:254|253|123)$|170\.(?:2|23)$)/.test(address),
    controls: ['http://169.254.1.1/'],
  }),
  withRange('0.0.0.0/0', {
    reaches: (address) =>
      /^\d/.test(address) &&
      !/^(?:169\.254\.1(?:69\.(?:254|253|123)|70\.(?:2|23))|100\.100\.100\.200|168\.63\.129\.16|192\.0\.0\.192)$/.test(
        address,
      ),
    controls: ['http://203.0.113.5/', 'http://10.0.0.9/', 'http://127.0.0.1:8080/'],
  }),
  withRange('fc00::/7', {
    reaches: (address) => isPrivate(address) && /^f[cd]/.test(address),
    controls: ['http://[fd00::1]/'],
  }),
  // By way of NAT64 a public IPv4 address, and never another.
  withRange('64:ff9b::/96', {
    reaches: (address) => address === '64:ff9b::101:101',
    controls: ['http://[64:ff9b::1.1.1.1]/'],
  }),
  withRange('2002::/16', {
    reaches: (address) => /^2002:101:101:/.test(address),
    controls: ['http://[2002:101:101::1]/'],
  }),
  withRange('::/96', { reaches: (address) => address === '::1.1.1.1', controls: ['http://[::101:101]/'] }),
  {
    title: 'in a cloud that allows hooks.internal',
    options: { ...cloud, egress: { allow: [{ hostname: 'hooks.internal' }] } },
    called: ['public'],
    mayReach: (address) => isPublic(address) || address === '10.0.0.9',
    controls: ['http://hooks.internal/', 'http://HOOKS.internal.:8080/'],
  },
];
