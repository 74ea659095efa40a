import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';

import { embeddedIn, parseAddress, parseNetwork } from '../../src/egress/address.js';
import { isMetadata, isPublic } from '../../src/egress/address-ranges.js';

/** The first and the last address of a network. */
function endsOf(network: string): string[] {
  const [first, bits] = parseNetwork(network);
  const bytes = first.toByteArray();
  const last = bytes.map((byte, index) => byte | (255 >> Math.min(8, Math.max(0, bits - index * 8))));
  return [bytes, last].map((each) => ipaddr.fromByteArray(each).toNormalizedString());
}

describe('no address of a network that is not global unicast is public', () => {
  test.each([
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
    ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
    ...['224.0.0.0/4', '240.0.0.0/4', '255.255.255.255/32', '168.63.129.16/32'],
    ...['::/128', '::1/128', '::/96', '::ffff:0:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '5f00::/16'],
    ...['fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8', '4000::/3', '1000::/4', '2001::/23', '2001:db8::/32'],
    ...['2002::/16', '3fff::/20'],
  ])('%s', (network) => {
    expect(endsOf(network).filter((address) => isPublic(parseAddress(address)))).toEqual([]);
  });

  test.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '172.32.0.0',
    '192.0.1.0',
    '223.255.255.255',
    '2600::1',
    '2a00::1',
  ])('%s, beside them, is public', (address) => {
    expect(isPublic(parseAddress(address))).toBe(true);
  });

  test('an IPv4 address mapped into IPv6 is judged as the IPv4 address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(isPublic(parseAddress(`::ffff:${text}`))).toBe(isPublic(parseAddress(text)));
      }),
    );
  });
});

describe('the IPv4 address 10.1.2.3 is found in', () => {
  test.each([
    ['::a01:203', 'an IPv4-compatible address'],
    ['::ffff:0:10.1.2.3', 'an IPv4-translated address'],
    ['64:ff9b::10.1.2.3', 'an address of NAT64'],
    ['64:ff9b:1::10.1.2.3', 'an address of a NAT64 of one’s own, prefix of 96 bits'],
    ['64:ff9b:1:0:a:102:300:0', 'an address of a NAT64 of one’s own, prefix of 64 bits'],
    ['64:ff9b:1:a:1:203::', 'an address of a NAT64 of one’s own, prefix of 56 bits'],
    ['64:ff9b:1:a01:2:300::', 'an address of a NAT64 of one’s own, prefix of 48 bits'],
    ['2002:a01:203::1', 'an address of 6to4'],
    ['2001:0:a01:203::1', 'the server of a Teredo address'],
    ['2001:0:101:101:0:0:f5fe:fdfc', 'the client of a Teredo address'],
    ['2600::5efe:10.1.2.3', 'an ISATAP address'],
    ['2600::200:5efe:10.1.2.3', 'an ISATAP address of a public IPv4 address'],
  ])('%s, %s', (address) => {
    expect(embeddedIn(parseAddress(address)).map(String)).toContain('10.1.2.3');
  });
});

describe('a metadata service is recognised', () => {
  const IPV4 = [
    ...['169.254.169.254', '169.254.169.253', '169.254.169.123', '169.254.170.2', '169.254.170.23'],
    ...['100.100.100.200', '168.63.129.16', '192.0.0.192'],
  ];
  const hex = (text: string): string => {
    const [a = 0, b = 0, c = 0, d = 0] = parseAddress(text).toByteArray();
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  };
  test.each([
    ...IPV4.flatMap((text) => [
      text,
      `::ffff:${text}`,
      `::${text}`,
      `::ffff:0:${text}`,
      `64:ff9b::${text}`,
      `64:ff9b:1::${text}`,
      `2002:${hex(text)}::1`,
      `2001:0:${hex(text)}::1`,
      `2600::5efe:${hex(text)}`,
    ]),
    ...['fd00:ec2::254', 'fd00:ec2::23', 'fd00:ec2::253', 'fd00:ec2::123', 'fd20:ce::254', 'FD00:0EC2:0:0:0:0:0:254'],
  ])('%s', (text) => {
    expect(isMetadata(parseAddress(text))).toBe(true);
  });

  test.each(['169.254.169.252', '169.254.170.3', 'fd00:ec2::255', '64:ff9b::1.1.1.1'])('but not %s', (text) => {
    expect(isMetadata(parseAddress(text))).toBe(false);
  });
});
