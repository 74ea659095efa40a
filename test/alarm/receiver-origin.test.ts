import { describe, expect, test } from '@jest/globals';

import { originProblem, receiverOriginOf } from '../../src/alarm/receiver/origin.js';
import { isSigningSecret, signingSecretOf } from '../../src/alarm/receiver/signing-secret.js';

describe('the origin of a URL', () => {
  test.each([
    ['HTTPS://Hooks.Example.COM', 'https://hooks.example.com', 'is written in lower case'],
    ['https://hooks.example.com:443/', 'https://hooks.example.com', 'has no default port of https'],
    ['http://hooks.example.com:80', 'http://hooks.example.com', 'has no default port of http'],
    ['https://hooks.example.com:80', 'https://hooks.example.com:80', 'has the default port of the other scheme'],
    ['http://hooks.example.com:00443', 'http://hooks.example.com:443', 'has a port without leading zeros'],
    ['https://hooks.example.com.', 'https://hooks.example.com', 'has no dot at its end'],
    ['https://hooks.example.com.:8443', 'https://hooks.example.com:8443', 'has no dot before its port'],
    ['https://bücher.example', 'https://xn--bcher-kva.example', 'has an international name as punycode'],
    ['https://XN--BCHER-KVA.example', 'https://xn--bcher-kva.example', 'has punycode in lower case'],
    ['https://hooks。example。com', 'https://hooks.example.com', 'has plain dots'],
    ['https://h%6foks.example.com', 'https://hooks.example.com', 'has a name without escapes'],
    ['http://[2001:DB8:0:0:0:0:0:1]:8080', 'http://[2001:db8::1]:8080', 'has a short IPv6 address'],
    ['http://[2001:db8::0.0.0.1]', 'http://[2001:db8::1]', 'has an IPv6 address without an IPv4 part'],
    ['http://0x7f000001', 'http://127.0.0.1', 'has a hexadecimal address with dots'],
    ['http://2130706433:80', 'http://127.0.0.1', 'has a decimal address with dots'],
    ['http://127.1', 'http://127.0.0.1', 'has a short address in full'],
    ['http://①②⑦.⓪.⓪.①', 'http://127.0.0.1', 'has an address of circled digits in ASCII'],
  ])('%s is %s: it %s', (text, origin) => {
    expect([originProblem(text), receiverOriginOf(new URL(text))]).toEqual([undefined, origin]);
  });

  test('of an action is that of its receiver, whatever path, query and user it has', () => {
    const action = new URL('https://u:p@Hooks.example.com.:443/a/b?c=d#e');
    expect(receiverOriginOf(action)).toBe('https://hooks.example.com');
  });
});

describe('the origin of a receiver is refused', () => {
  const USER = 'User and password belong to the URLs of actions, not to an origin';
  const FORM = 'It should be scheme, host and port only, such as https://hooks.example.com or https://10.0.0.7:8443';
  const HOST = 'It should be an origin that an action can have: a valid host, and no port 0';
  test.each([
    ['https://user@hooks.example.com', USER],
    ['https://user:password@hooks.example.com', USER],
    ['https://@hooks.example.com', USER],
    ['https://hooks.example.com/path', FORM],
    ['https://hooks.example.com//', FORM],
    ['https://hooks.example.com?', FORM],
    ['https://hooks.example.com?a=b', FORM],
    ['https://hooks.example.com#', FORM],
    ['https://hooks.example.com\\', FORM],
    ['https://hooks.example.com/..', FORM],
    [' https://hooks.example.com', FORM],
    ['https://hooks.example.com ', FORM],
    ['https://hooks.exam\tple.com', FORM],
    ['https://hooks.exam\nple.com', FORM],
    ['hooks.example.com', FORM],
    ['hooks.example.com:443', FORM],
    ['//hooks.example.com', FORM],
    ['https:hooks.example.com', FORM],
    ['https:///', FORM],
    ['ftp://hooks.example.com', FORM],
    ['trust+https://hooks.example.com', FORM],
    ['zaqar://hooks', FORM],
    ['log://', FORM],
    ['', FORM],
    ['https://hooks.example.com:0', HOST],
    ['https://hooks.example.com:65536', HOST],
    ['https://hooks.example.com:port', HOST],
    ['https://hooks..example.com', HOST],
    ['https://[::1', HOST],
    ['https://[fe80::1%25eth0]', HOST],
    ['https://256.256.256.256', HOST],
    [`https://${'a'.repeat(64)}.example.com`, HOST],
  ])('%j: %s', (text, problem) => {
    expect(originProblem(text)).toBe(problem);
  });
});

describe('a signing secret', () => {
  test.each([24, 32, 64])('has %d bytes', (bytes) => {
    expect(isSigningSecret(signingSecretOf(Buffer.alloc(bytes, 7)))).toBe(true);
  });
  test.each([
    ['23 bytes', signingSecretOf(Buffer.alloc(23, 7))],
    ['65 bytes', signingSecretOf(Buffer.alloc(65, 7))],
    ['no prefix', Buffer.alloc(32, 7).toString('base64')],
    ['another prefix', `whsk_${Buffer.alloc(32, 7).toString('base64')}`],
    ['no padding', signingSecretOf(Buffer.alloc(32, 7)).replace(/=$/, '')],
    ['base64 for URLs', `whsec_${Buffer.alloc(32, 0xfb).toString('base64url')}=`],
    ['a space at its end', `${signingSecretOf(Buffer.alloc(32, 7))} `],
    ['a line break within', signingSecretOf(Buffer.alloc(32, 7)).replace('Bw', 'B\nw')],
    ['nothing behind the prefix', 'whsec_'],
  ])('is refused with %s', (_, text) => {
    expect(isSigningSecret(text)).toBe(false);
  });
});
