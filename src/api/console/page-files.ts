import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** Where the build puts the page's own files, and the list of them. */
const FOLDER = new URL('../../console/', import.meta.url);
const CLIENT = new URL('../../client/tocsin-client.js', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Files of packages that the page loads: their names here, and where Node.js finds them. */
const PACKAGED = {
  'packages/preact.js': 'preact',
  'packages/preact-hooks.js': 'preact/hooks',
  'packages/preact-jsx-runtime.js': 'preact/jsx-runtime',
  'packages/openapi-fetch.js': 'openapi-fetch',
  'packages/uplot.js': 'uplot/dist/uPlot.esm.js',
  'packages/uplot.css': 'uplot/dist/uPlot.min.css',
} as const;
const CLIENT_NAME = 'client/tocsin-client.js';

/** Names of files by what modules of the page import. The client is imported by its path in the source tree. */
const IMPORTED: Readonly<Record<string, string>> = {
  preact: 'packages/preact.js',
  'preact/hooks': 'packages/preact-hooks.js',
  'preact/jsx-runtime': 'packages/preact-jsx-runtime.js',
  'openapi-fetch': 'packages/openapi-fetch.js',
  uplot: 'packages/uplot.js',
  [`/${CLIENT_NAME}`]: CLIENT_NAME,
};

/** The style sheets of the page in one file, so that a browser sends one request. */
export const STYLES_NAME = 'styles/page.css';

/** The address of a file of the page, from its name. */
export function addressOf(name: string): string {
  return `/console/${name}`;
}

/** The import map of the page: addresses of the imports that are no paths below /console. */
export function importMap(): Record<string, string> {
  return Object.fromEntries(Object.entries(IMPORTED).map(([imported, name]) => [imported, addressOf(name)]));
}

/** A file as it is sent. */
export interface EncodedFile {
  contentType: string;
  bytes: Buffer;
  /** `Content-Encoding`; undefined if the file is sent as it is. */
  encoding: string | undefined;
  /** `ETag`: differs with the encoding. */
  tag: string;
}

type Encoding = 'br' | 'gzip' | 'identity';

const ENCODERS: Readonly<Record<Encoding, (bytes: Buffer) => Promise<Buffer>>> = {
  br: (bytes) =>
    promisify(brotliCompress)(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
  gzip: (bytes) => promisify(gzip)(bytes, { level: 9 }),
  identity: (bytes) => Promise.resolve(bytes),
};

/** The files of the page: those of the build's list and of packages. Each is read and compressed once. */
export class PageFiles {
  /** Where each file is. A file of several places has their texts, in this order. */
  readonly #places: ReadonlyMap<string, readonly URL[]>;
  readonly #imports: Readonly<Record<string, readonly string[]>>;
  readonly #encoded = new Map<string, Promise<EncodedFile>>();

  constructor() {
    this.#imports = JSON.parse(readFileSync(new URL('files.json', FOLDER), 'utf8')) as Record<string, string[]>;
    const own = Object.keys(this.#imports).map((name) => ({ name, place: new URL(name, FOLDER) }));
    const isStyle = ({ name }: { name: string }): boolean => name.endsWith('.css');
    this.#places = new Map<string, readonly URL[]>([
      ...own.filter((file) => !isStyle(file)).map(({ name, place }) => [name, [place]] as const),
      [STYLES_NAME, own.filter(isStyle).map(({ place }) => place)],
      ...Object.entries(PACKAGED).map(([name, imported]) => [name, [new URL(import.meta.resolve(imported))]] as const),
      [CLIENT_NAME, [CLIENT]],
    ]);
  }

  /** Names of these modules and of all that they import, at any depth. */
  closure(modules: readonly string[]): string[] {
    const found = new Set(modules);
    for (const name of found) {
      const imports = name === CLIENT_NAME ? ['openapi-fetch'] : (this.#imports[name] ?? []);
      for (const imported of imports) found.add(IMPORTED[imported] ?? imported);
    }
    return [...found];
  }

  /** A file in the best encoding that the client accepts; undefined if there is no such file. */
  async file(name: string, acceptEncoding: string | string[] | undefined): Promise<EncodedFile | undefined> {
    const places = this.#places.get(name);
    if (places === undefined) return undefined;
    const contentType = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    return this.#once(name, acceptedEncoding(acceptEncoding), async () => ({
      contentType,
      bytes: Buffer.concat(await Promise.all(places.map((place) => readFile(place)))),
    }));
  }

  /** A text in the best encoding that the client accepts. `name` is that of no file. */
  text(name: string, text: Pick<EncodedFile, 'contentType' | 'bytes'>, acceptEncoding: string | string[] | undefined) {
    return this.#once(name, acceptedEncoding(acceptEncoding), () => Promise.resolve(text));
  }

  #once(
    name: string,
    encoding: Encoding,
    read: () => Promise<Pick<EncodedFile, 'contentType' | 'bytes'>>,
  ): Promise<EncodedFile> {
    const key = `${encoding} ${name}`;
    const known = this.#encoded.get(key);
    if (known) return known;
    const made = read().then(async ({ contentType, bytes }) => ({
      contentType,
      bytes: await ENCODERS[encoding](bytes),
      encoding: encoding === 'identity' ? undefined : encoding,
      tag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}-${encoding}"`,
    }));
    this.#encoded.set(key, made);
    // A file that could not be read may be readable later.
    made.catch(() => this.#encoded.delete(key));
    return made;
  }
}

/** Browsers name all encodings that they can read; other preferences are not weighed. */
function acceptedEncoding(header: string | string[] | undefined): Encoding {
  const accepted = String(header ?? '')
    .split(',')
    .map((encoding) => encoding.trim().toLowerCase());
  return (['br', 'gzip'] as const).find((encoding) => accepted.includes(encoding)) ?? 'identity';
}
