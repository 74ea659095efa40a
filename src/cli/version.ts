import { readFileSync } from 'node:fs';

/** Of this Tocsin, as package.json says. */
export function version(): string {
  const manifest = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
