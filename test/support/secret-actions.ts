import fc from 'fast-check';

/** An action, and each secret that was put into it. */
export interface SecretAction {
  action: string;
  secrets: string[];
}

const HEX = [...'0123456789abcdef'];
/** Long enough to be found nowhere by chance, and without characters that a URL escapes. */
const secret = fc.string({ unit: fc.constantFrom(...HEX), minLength: 24, maxLength: 24 }).map((hex) => `s3cret${hex}`);
const host = fc.constantFrom('h.example', 'HOOKS.slack.com', '10.0.0.7:8080', '[2001:db8::1]', 'user.example:443');
const word = fc.constantFrom('a', 'B-1', '%2e', 'é', '%2Fx', 'stack', '~');
const plainPath = fc.array(word, { maxLength: 3 }).map((segments) => segments.map((one) => `/${one}`).join(''));
const name = fc.constantFrom('k', 'Signature', 'AWSAccessKeyId', '', '%20');

interface Part {
  text: string;
  secrets: string[];
}

const none: fc.Arbitrary<Part> = fc.constant({ text: '', secrets: [] });
const userInfo = fc.oneof(
  none,
  fc.tuple(secret, secret).map(([user, password]) => ({ text: `${user}:${password}@`, secrets: [user, password] })),
  secret.map((token) => ({ text: `${token}@`, secrets: [token] })),
);
const path = fc.oneof(
  plainPath.map((text) => ({ text, secrets: [] })),
  fc.tuple(plainPath, secret).map(([before, token]) => ({ text: `${before}/hooks/${token}/x`, secrets: [token] })),
);
const pair = fc.oneof(
  fc.tuple(name, secret).map(([key, value]) => ({ text: `${key}=${value}`, secrets: [value] })),
  secret.map((value) => ({ text: value, secrets: [value] })),
  none,
);
const query = fc.oneof(
  none,
  fc.array(pair, { maxLength: 3 }).map((pairs) => ({
    text: `?${pairs.map(({ text }) => text).join('&')}`,
    secrets: pairs.flatMap(({ secrets }) => secrets),
  })),
);
const fragment = fc.oneof(
  none,
  fc.constant({ text: '#', secrets: [] }),
  secret.map((token) => ({ text: `#${token}`, secrets: [token] })),
);
const scheme = fc.constantFrom('http', 'https', 'HTTP', 'hTTps', 'trust+http', 'TRUST+https', 'zaqar', 'trust+zaqar');

/** Actions with secrets in every part that can have one, and actions without any. */
export const secretActions: fc.Arbitrary<SecretAction> = fc
  .tuple(scheme, userInfo, host, path, query, fragment)
  .map(([kind, user, at, ...rest]) => ({
    action: `${kind}://${user.text}${at}${rest.map(({ text }) => text).join('')}`,
    secrets: [user, ...rest].flatMap(({ secrets }) => secrets),
  }));
