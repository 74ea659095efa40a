import type { AuthMode } from '../../config/schema.js';
import { AppError } from '../../errors.js';
import { consolePage, type Page } from '../console/page.js';
import { PageFiles, type EncodedFile } from '../console/page-files.js';
import type { ApiAnswer } from '../http/answer.js';
import { NOT_FOUND_TEXT, type ApiRequest, type Route } from '../http/route.js';

/** `/console`, the page for people, and its files. They hold no data, so they need no identity. */
export function consoleRoutes({ authMode }: { authMode: AuthMode }): Route[] {
  const files = new PageFiles();
  const page = consolePage(files, authMode);
  return [
    {
      method: 'GET',
      path: '/console',
      policy: 'public',
      audit: null,
      handle: ({ headers }) => pageAnswer(files, page, headers),
    },
    {
      method: 'GET',
      path: '/console/:folder/:file',
      policy: 'public',
      audit: null,
      handle: async ({ params, headers }) => {
        const name = `${params['folder'] ?? ''}/${params['file'] ?? ''}`;
        const file = await files.file(name, headers['accept-encoding']);
        if (file === undefined) throw new AppError('not_found', NOT_FOUND_TEXT);
        return fileAnswer(file, headers);
      },
    },
  ];
}

async function pageAnswer(files: PageFiles, page: Page, headers: ApiRequest['headers']): Promise<ApiAnswer> {
  const text = { contentType: 'text/html; charset=utf-8', bytes: Buffer.from(page.html) };
  const answer = fileAnswer(await files.text('page', text, headers['accept-encoding']), headers);
  return { ...answer, headers: { ...answer.headers, 'Content-Security-Policy': page.policy } };
}

/** Browsers keep the file and ask each time whether it is still the same: all files of the page fit together. */
function fileAnswer(
  { contentType, bytes, encoding, tag }: EncodedFile,
  { 'if-none-match': known = '' }: ApiRequest['headers'],
): ApiAnswer {
  const headers = { ETag: tag, Vary: 'Accept-Encoding', 'Cache-Control': 'no-cache' };
  const has = known.split(',').some((each) => each.trim().replace(/^W\//, '') === tag);
  if (has) return { status: 304, headers };
  return {
    status: 200,
    headers: { ...headers, ...(encoding === undefined ? {} : { 'Content-Encoding': encoding }) },
    text: { contentType, content: bytes },
  };
}
