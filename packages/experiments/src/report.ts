// The results as one page for people: Markdown beside its charts, and HTML with the charts inside, which opens without a network.

import { markdownTable, markdownText, withoutHtml, type MarkdownTable } from './markdown';
import type { Chart } from './charts';
import type { Results } from './results';
import { sectionsOf, tablesOf, type Table } from './tables';

/** What a page says beside the results. */
export interface PageFacts {
  /** The file, as it was read. */
  readonly file: string;
  readonly machine: string;
}

function progress({ runs }: Results): string {
  const finished = runs.filter((run) => run.finished).length;
  return finished === runs.length ? `${finished} runs.` : `${finished} of ${runs.length} runs are finished.`;
}

/** The report as Markdown, with the experiment itself at the end. */
export function markdownPage(results: Results, charts: readonly Chart[], { file, machine }: PageFacts): string {
  const { title, description } = results;
  const fence = '`'.repeat(1 + Math.max(2, ...[...file.matchAll(/`+/g)].map(([run]) => run.length)));
  return [
    `# ${markdownText(title)}`,
    ...(description === undefined ? [] : [withoutHtml(description)]),
    `${progress(results)} ${markdownText(machine)}`,
    ...inOrder(results, charts, tablesOf(results)).flatMap((part) =>
      'svg' in part
        ? [`![${markdownText(part.title)}](charts/${encodeURI(part.name)}.svg)`]
        : [`## ${markdownText(part.title)}`, markdownText(part.note), markdownTable(inMarkdown(part))],
    ),
    '## The file',
    `${fence}json\n${file.trim()}\n${fence}`,
    '',
  ].join('\n\n');
}

/** The report as one HTML page with the charts inside, which opens without a network. */
export function htmlPage(results: Results, charts: readonly Chart[], { file, machine }: PageFacts): string {
  const { title, description } = results;
  const parts = inOrder(results, charts, tablesOf(results));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
${description === undefined ? '' : `<p class="lead">${escape(description)}</p>`}
<p class="facts">${escape(progress(results))} ${escape(machine)}</p>
${parts.map((part) => ('svg' in part ? figure(part) : section(part))).join('\n')}
<section>
<details>
<summary>The file</summary>
<pre>${escape(file.trim())}</pre>
</details>
</section>
</main>
</body>
</html>
`;
}

function inMarkdown({ head, rows }: Table): MarkdownTable {
  return { head: head.map(markdownText), rows: rows.map((row) => row.map(markdownText)) };
}

/** Section by section, its charts before its tables. */
function inOrder(results: Results, charts: readonly Chart[], tables: readonly Table[]): (Chart | Table)[] {
  return sectionsOf(results).flatMap((section) => [
    ...charts.filter((chart) => chart.section === section),
    ...tables.filter((table) => table.section === section),
  ]);
}

function section({ title, note, head, rows }: Table): string {
  const cells = (row: readonly string[], tag: 'td' | 'th') =>
    row.map(
      (text, i) =>
        (i === 0 ? `<th scope="${tag === 'th' ? 'col' : 'row'}">` : `<${tag}>`) +
        escape(text) +
        (i === 0 ? '</th>' : `</${tag}>`),
    );
  const body = rows.map(
    (row) => `<tr${row[0]!.startsWith('→') ? ' class="beyond"' : ''}>${cells(row, 'td').join('')}</tr>`,
  );
  return `<section>
<h2>${escape(title)}</h2>
<p>${escape(note)}</p>
<div class="scroll"><table><thead><tr>${cells(head, 'th').join('')}</tr></thead><tbody>
${body.join('\n')}
</tbody></table></div>
</section>`;
}

function figure({ title, svg }: Chart): string {
  return `<figure class="scroll" role="img" aria-label="${escape(title)}">${svg}</figure>`;
}

function escape(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replaceAll(/[&<>"]/g, (character) => entities[character]!);
}

const style = `
:root { color: #1f2328; background: #fff; font: 16px/1.55 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif; }
body { margin: 0; }
main { max-width: 860px; margin: 0 auto; padding: 28px 20px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 12px; }
h2 { font-size: 20px; margin: 44px 0 4px; }
section p { color: #59636e; font-size: 14.5px; margin: 0 0 10px; }
.lead { font-size: 17px; margin: 0 0 8px; }
.facts { color: #59636e; font-size: 14.5px; margin: 0; }
.scroll { overflow-x: auto; }
figure { margin: 32px 0 0; border: 1px solid #e6e8eb; border-radius: 8px; }
figure svg { display: block; width: 100%; height: auto; min-width: 560px; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; min-width: 100%; }
th, td { padding: 5px 12px; text-align: right; white-space: nowrap; border-bottom: 1px solid #e6e8eb; }
th { font-weight: 600; }
thead th { border-bottom: 2px solid #c9ced4; vertical-align: bottom; }
th:first-child { text-align: left; padding-left: 4px; position: sticky; left: 0; background: inherit; }
tr { background: #fff; }
tbody th { font-weight: 500; }
tr.beyond { background: #f6f7f9; }
details { margin-top: 44px; }
summary { cursor: pointer; font-weight: 600; }
pre { overflow-x: auto; background: #f6f7f9; border-radius: 8px; padding: 14px; font-size: 13px; line-height: 1.45; }
`;
