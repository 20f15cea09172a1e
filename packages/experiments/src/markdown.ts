// Tables in Markdown, which are readable in a terminal as well.

/** A table: the first column is text, the others numbers. */
export interface MarkdownTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Text of others as text: nothing in it is formatting, a link or HTML. */
export function markdownText(text: string): string {
  return withoutHtml(text.replaceAll(/[\\`*[\]]/g, '\\$&'));
}

/** Markdown of others without HTML. */
export function withoutHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** A table in Markdown; all columns but the first are set to the right. */
export function markdownTable({ head, rows }: MarkdownTable): string {
  const escape = (text: string) => text.replaceAll('|', '\\|');
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head.map(escape), rule, ...rows.map((row) => row.map(escape))]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
