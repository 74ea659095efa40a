/** A table of a page of docs/, with the heading that it stands under. */
export interface MarkdownTable {
  heading: string;
  columns: string[];
  rows: string[][];
}

/** The tables of a page, in order. `\|` in a cell is a bar; backticks stay. */
export function tablesOf(page: string): MarkdownTable[] {
  const found: MarkdownTable[] = [];
  let heading = '';
  let open: MarkdownTable | undefined;
  for (const line of page.split('\n')) {
    if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
    if (!line.startsWith('|')) open = undefined;
    else if (open === undefined) found.push((open = { heading, columns: cellsOf(line), rows: [] }));
    else if (!/^\|[-| ]+\|$/.test(line)) open.rows.push(cellsOf(line));
  }
  return found;
}

/** The cells of one line of a table. */
function cellsOf(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** The text of a cell without its backticks. */
export function plain(cell: string): string {
  return cell.replaceAll('`', '');
}
