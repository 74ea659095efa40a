import { randomBytes } from 'node:crypto';

/** A text that occurs nowhere else. */
export const canary = (): string => `canary${randomBytes(12).toString('hex')}`;

/** Everything that must be seen nowhere, by name: a failure names the secret and not its value. */
export type Secrets = Record<string, string>;
/** Texts that must hold no secret, by name. */
export type Places = Record<string, string>;

/** The places that hold a secret, each with its name. */
export function hits(places: Places, secrets: Secrets): string[] {
  return Object.entries(secrets).flatMap(([name, secret]) => {
    const forms = [secret, Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -2), encodeURI(secret)];
    return Object.entries(places)
      .filter(([, text]) => forms.some((form) => text.includes(form)))
      .map(([place]) => `${name} in ${place}`);
  });
}
