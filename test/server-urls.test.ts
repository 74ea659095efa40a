import { describe, expect, test } from '@jest/globals';

import { parseSentinelUrl, urlsOfHosts } from '../src/server-urls.js';

describe('a URL with several hosts', () => {
  test.each([
    ['postgresql://a/x', ['postgresql://a/x']],
    ['postgresql:///x?host=/run/postgresql', ['postgresql:///x?host=/run/postgresql']],
    ['postgresql://a,b/x', ['postgresql://a/x', 'postgresql://b/x']],
    [
      'postgresql://a:1,b:2,c/x?ssl=1',
      ['postgresql://a:1/x?ssl=1', 'postgresql://b:2/x?ssl=1', 'postgresql://c/x?ssl=1'],
    ],
    ['postgresql://u:p@a:1,b:2', ['postgresql://u:p@a:1', 'postgresql://u:p@b:2']],
    ['postgresql://u:p,q@a,b/x', ['postgresql://u:p,q@a/x', 'postgresql://u:p,q@b/x']],
    ['postgresql://u:p@q@a,b/x', ['postgresql://u:p@q@a/x', 'postgresql://u:p@q@b/x']],
    ['postgresql://[::1]:1,[::2]:2/x', ['postgresql://[::1]:1/x', 'postgresql://[::2]:2/x']],
    ['postgresql://a/x?options=b,c', ['postgresql://a/x?options=b,c']],
    ['no url', ['no url']],
  ])('%s is %j', (url, urls) => {
    expect(urlsOfHosts(url)).toEqual(urls);
  });
});

describe('a URL of sentinels', () => {
  const FOUND = {
    sentinels: [
      { host: 'a', port: 26_379 },
      { host: 'b', port: 1 },
    ],
    name: 'n',
    username: undefined,
    password: undefined,
    sentinelPassword: undefined,
    tls: false,
  };

  test.each<[string, object]>([
    ['sentinel://a,b:1/n', FOUND],
    ['sentinels://a,b:1/n', { ...FOUND, tls: true }],
    ['sentinel://:p%40@a,b:1/n', { ...FOUND, password: 'p@' }],
    ['sentinel://u:p@a,b:1/n?sentinel_password=q', { ...FOUND, username: 'u', password: 'p', sentinelPassword: 'q' }],
    ['sentinel://[::1]/n', { ...FOUND, sentinels: [{ host: '::1', port: 26_379 }] }],
  ])('%s is read', (url, found) => {
    expect(parseSentinelUrl(url)).toEqual(found);
  });

  test.each([
    'redis://a/n',
    'sentinel://a,b',
    'sentinel://a,b/',
    'sentinel://a,,b/n',
    'sentinel:///n',
    'sentinel://a:x/n',
    'sentinel://a/n/m',
    'x',
  ])('%s is none', (url) => {
    expect(parseSentinelUrl(url)).toBeUndefined();
  });
});
