import { describe, expect, test } from '@jest/globals';

import { parseAddress } from '../../src/egress/address.js';
import { refusalOf, refusalOfName, type EgressRefusal } from '../../src/egress/egress-policy.js';
import { openRules, type RuleChanges, type WrittenEntry } from '../support/egress.js';

const services = {
  own: new Set(['10.0.0.5:5432', '10.0.0.5:5000', '127.0.0.1:8042']),
  heat: new Set(['10.0.0.5:8004', 'heat.example.com:8000', '169.254.169.254:8004']),
};

function judged(rules: RuleChanges, target: string, projectId = 'p'): EgressRefusal | undefined {
  const { hostname, port } = new URL(`http://${target}`);
  const host = hostname.replace(/^\[|\]$/g, '');
  return refusalOf(
    { address: parseAddress(host), hostname: host, port: Number(port || 80), projectId },
    openRules(rules),
    services,
  );
}

describe('with authentication', () => {
  test.each<[string, EgressRefusal | undefined]>([
    ['1.1.1.1', undefined],
    ['1.1.1.1:8080', undefined],
    ['[2600::1]:443', undefined],
    ['1.1.1.1:22', 'port'],
    ['1.1.1.1:6379', 'port'],
    ['127.0.0.1:9000', 'address'],
    ['10.0.0.9', 'address'],
    ['[fd00::1]', 'address'],
    ['[2600::5efe:10.0.0.9]', 'address'],
    ['169.254.169.254', 'metadata service'],
    ['[64:ff9b::169.254.169.254]', 'metadata service'],
    ['10.0.0.5:8004', undefined],
    ['10.0.0.5:8005', 'address'],
    ['169.254.169.254:8004', 'metadata service'],
  ])('a receiver at %s: %s', (target, refusal) => {
    expect(judged({}, target)).toBe(refusal);
  });

  test('loopback can be allowed for tests, without private networks', () => {
    const rules = { loopbackAllowed: true };
    expect([judged(rules, '127.0.0.1:9000'), judged(rules, '[::1]:9000')]).toEqual([undefined, undefined]);
    expect(judged(rules, '10.0.0.9')).toBe('address');
  });
});

describe('without authentication, on loopback', () => {
  test.each<[string, EgressRefusal | undefined]>([
    ['127.0.0.1:9000', undefined],
    ['[::1]:9000', undefined],
    ['192.168.1.1', undefined],
    ['100.64.0.1', undefined],
    ['[fd12::1]', undefined],
    ['127.0.0.1:8042', 'service of this installation'],
    ['[::ffff:127.0.0.1]:8042', 'service of this installation'],
    ['127.0.0.1:22', undefined],
    ['192.168.1.1:22', 'port'],
    ['0.0.0.0:9000', 'address'],
    ['169.254.1.1', 'address'],
    ['224.0.0.1', 'address'],
    ['[fe80::1]', 'address'],
    ['100.100.100.200', 'metadata service'],
    ['[fd00:ec2::254]', 'metadata service'],
  ])('a receiver at %s: %s', (target, refusal) => {
    expect(judged({ privateAllowed: true }, target)).toBe(refusal);
  });
});

describe('an entry of egress.allow', () => {
  test.each<[string, WrittenEntry[], string, EgressRefusal | undefined]>([
    ['allows its network', [{ cidr: '10.0.0.0/8' }], '10.0.0.9:8080', undefined],
    ['allows nothing beside it', [{ cidr: '10.0.0.0/16' }], '10.1.0.9:8080', 'address'],
    ['without ports leaves denied ports denied', [{ cidr: '10.0.0.0/8' }], '10.0.0.9:22', 'port'],
    ['overrides denied ports by its own', [{ cidr: '10.0.0.0/8', ports: [22] }], '10.0.0.9:22', undefined],
    ['with ports allows no others', [{ cidr: '10.0.0.0/8', ports: [22] }], '10.0.0.9:80', 'address'],
    ['of another project does not count', [{ cidr: '10.0.0.0/8', projects: ['q'] }], '10.0.0.9', 'address'],
    ['of the project counts', [{ cidr: '10.0.0.0/8', projects: ['q', 'p'] }], '10.0.0.9', undefined],
    [
      'does not open a service of this installation',
      [{ cidr: '10.0.0.0/8' }],
      '10.0.0.5:5000',
      'service of this installation',
    ],
    ['opens one that it names exactly', [{ cidr: '10.0.0.5', ports: [5000] }], '10.0.0.5:5000', undefined],
    ['does not open a metadata service', [{ cidr: '169.254.0.0/16' }], '169.254.169.254', 'metadata service'],
    ['opens one that it names exactly', [{ cidr: '169.254.169.254/32' }], '169.254.169.254', undefined],
    ['for NAT64 allows a public IPv4 address', [{ cidr: '64:ff9b::/96' }], '[64:ff9b::1.1.1.1]', undefined],
    ['for NAT64 allows no private IPv4 address', [{ cidr: '64:ff9b::/96' }], '[64:ff9b::10.0.0.9]', 'address'],
    [
      'for NAT64 allows no metadata service',
      [{ cidr: '64:ff9b::/96' }],
      '[64:ff9b::169.254.169.254]',
      'metadata service',
    ],
    ['for all of IPv6 opens no way to IPv4', [{ cidr: '::/0' }], '[::10.0.0.9]', 'address'],
    ['for all of IPv4 opens private networks', [{ cidr: '0.0.0.0/0' }], '192.168.0.1', undefined],
    ['of a name does not allow its address as such', [{ hostname: 'hooks.internal' }], '10.0.0.9', 'address'],
    [
      'of several, one is enough',
      [{ cidr: '10.0.0.0/8' }, { cidr: '10.0.0.9', ports: [22] }],
      '10.0.0.9:22',
      undefined,
    ],
  ])('%s', (_, allow, target, refusal) => {
    expect(judged({ allow }, target)).toBe(refusal);
  });

  test('of a name allows each address of the name, or those of its network', () => {
    const at = (hostname: string, address: string, allow: WrittenEntry[]) =>
      refusalOf(
        { address: parseAddress(address), hostname, port: 8080, projectId: 'p' },
        openRules({ allow }),
        services,
      );
    expect(at('hooks.internal', '10.0.0.9', [{ hostname: 'hooks.internal' }])).toBeUndefined();
    expect(at('other.internal', '10.0.0.9', [{ hostname: 'hooks.internal' }])).toBe('address');
    expect(at('hooks.internal', '169.254.169.254', [{ hostname: 'hooks.internal' }])).toBe('metadata service');
    const both = [{ hostname: 'hooks.internal', cidr: '10.0.0.0/24' }];
    expect([at('hooks.internal', '10.0.0.9', both), at('hooks.internal', '10.0.1.9', both)]).toEqual([
      undefined,
      'address',
    ]);
  });
});

test('of a name that is not resolved yet, only the port is judged', () => {
  const at = (hostname: string, port: number, allow: WrittenEntry[] = []) =>
    refusalOfName({ hostname, port, projectId: 'p' }, openRules({ allow }), services);
  expect(at('a.example.com', 443)).toBeUndefined();
  expect(at('a.example.com', 25)).toBe('port');
  expect(at('a.example.com', 25, [{ cidr: '10.0.0.0/8', ports: [25] }])).toBeUndefined();
  expect(at('a.example.com', 25, [{ hostname: 'b.example.com', ports: [25] }])).toBe('port');
});
