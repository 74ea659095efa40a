import { createHash } from 'node:crypto';

import type { AuthMode } from '../../config/schema.js';
import { addressOf, importMap, STYLES_NAME, type PageFiles } from './page-files.js';

/** The module that starts the page. */
const ENTRY = 'shell/main.js';
/** The view that the page shows first. It is loaded by the entry, so the browser is told of it early. */
const FIRST_VIEW = 'alarms/alarms-view.js';

/** The page's HTML and its Content-Security-Policy. */
export interface Page {
  html: string;
  policy: string;
}

/** Makes the page. It is the same for all readers: data and rights come with the requests of its modules. */
export function consolePage(files: PageFiles, authMode: AuthMode): Page {
  const map = JSON.stringify({ imports: importMap() });
  const hash = createHash('sha256').update(map).digest('base64');
  return { html: htmlOf(files, { map, authMode }), policy: policyFor(`'sha256-${hash}'`) };
}

function policyFor(importMapHash: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' ${importMapHash}`,
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

function htmlOf(files: PageFiles, { map, authMode }: { map: string; authMode: AuthMode }): string {
  const preloads = files
    .closure([ENTRY, FIRST_VIEW])
    .map((name) => `<link rel="modulepreload" href="${addressOf(name)}" />`);
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <meta name="tocsin-auth-mode" content="${authMode}" />
    <title>Tocsin</title>
    <link rel="icon" href="${addressOf('shell/icon.svg')}" />
    <script type="importmap">${map}</script>
    <link rel="stylesheet" href="${addressOf(STYLES_NAME)}" />
    ${preloads.join('\n    ')}
    <script type="module" src="${addressOf(ENTRY)}"></script>
  </head>
  <body>
    <div id="page">
      <noscript>This page needs JavaScript. The API without it: <a href="/openapi.json">/openapi.json</a></noscript>
    </div>
  </body>
</html>
`;
}
