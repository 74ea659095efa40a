import { readFile } from 'node:fs/promises';

import type { PythonValue } from '../../alarm/wire/python-json.js';
import { AppError } from '../../errors.js';
import { NOT_FOUND_TEXT, type Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';

export interface DocsRoutesDeps {
  /** The OpenAPI document of all routes. */
  document: () => Record<string, unknown>;
}

/** Content-Security-Policy of the page. Its own script writes styles into elements. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; connect-src 'self'; base-uri 'none'";
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Tocsin API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="icon" href="/docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="page"><noscript>Without JavaScript: <a href="/openapi.json">/openapi.json</a></noscript></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;
const START =
  `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#page', deepLinking: true, ` +
  `defaultModelsExpandDepth: 0, validatorUrl: null });\n`;

/** Where the build puts the files of swagger-ui-dist: the package itself is not installed with the program. */
const FOLDER = new URL('./swagger-ui/', import.meta.url);
/** Files of the page in that folder, with their media types. */
const PACKAGED: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
  'favicon-32x32.png': 'image/png',
};

/** `/openapi.json` for programs, and `/docs` for people. */
export function docsRoutes({ document }: DocsRoutesDeps): Route[] {
  const page = (contentType: string, content: string | Buffer): ApiAnswer => ({
    status: 200,
    headers: { 'Content-Security-Policy': POLICY },
    text: { contentType, content },
  });
  return [
    {
      method: 'GET',
      path: '/openapi.json',
      policy: 'public',
      audit: null,
      handle: () => ({ status: 200, body: document() as PythonValue }),
    },
    {
      method: 'GET',
      path: '/docs',
      policy: 'public',
      audit: null,
      handle: () => page('text/html; charset=utf-8', PAGE),
    },
    {
      method: 'GET',
      path: '/docs/:file',
      policy: 'public',
      audit: null,
      handle: async ({ params }) => {
        const file = params['file'] ?? '';
        if (file === 'start.js') return page('text/javascript', START);
        const contentType = Object.hasOwn(PACKAGED, file) ? PACKAGED[file] : undefined;
        if (contentType === undefined) throw new AppError('not_found', NOT_FOUND_TEXT);
        return page(contentType, await readFile(new URL(file, FOLDER)));
      },
    },
  ];
}
