/** The pages with each row converted, up to a number of rows. The source is closed when that is reached. */
export async function* convertPages<Row, Converted>(
  pages: AsyncIterable<readonly Row[]>,
  convert: (row: Row) => Converted,
  limit = Infinity,
): AsyncGenerator<Converted[], void, void> {
  let left = limit;
  if (left <= 0) return;
  for await (const page of pages) {
    yield page.slice(0, left).map(convert);
    left -= page.length;
    if (left <= 0) return;
  }
}

/** The first rows of all pages. When the signal aborts, no further page is read: the rows are incomplete then. */
export async function firstRows<Row>(
  pages: AsyncIterable<readonly Row[]>,
  limit: number,
  signal?: AbortSignal,
): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const page of convertPages(pages, (row) => row, limit)) {
    rows.push(...page);
    if (signal?.aborted) break;
  }
  return rows;
}
