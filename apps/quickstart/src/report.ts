/**
 * The report: one HTML file that needs nothing else.
 */
export interface ReportSection {
  readonly title: string;
  readonly text: string;
  /** Markup of the picture: an SVG, or an image with a data URI. */
  readonly figure: string;
}

interface ReportTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly note: string;
}

export interface Report {
  readonly title: string;
  readonly summary: string;
  readonly sections: readonly ReportSection[];
  readonly metrics: ReportTable;
  readonly settings: Readonly<Record<string, string | number>>;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --line: #ddd; --soft: #666; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #161616; --line: #333; --soft: #999; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; } p.note { color: var(--soft); max-width: 46rem; }
figure { margin: 1rem 0; overflow-x: auto; } figure img { image-rendering: pixelated; max-width: 100%; background: #fff; border-radius: 4px; }
figure svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; } th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; font-variant-numeric: tabular-nums; }
`;

function escapeHtml(text: string | number): string {
  return String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (tag: string, cells: readonly (string | number)[]): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<table><thead>${line('th', head)}</thead><tbody>${rows.map((r) => line('td', r)).join('')}</tbody></table>`;
}

/** A PNG as an image that carries its own bytes. */
export function embeddedPng(bytes: Uint8Array, alt: string): string {
  return `<img alt="${escapeHtml(alt)}" src="data:image/png;base64,${Buffer.from(bytes).toString('base64')}">`;
}

export function renderReport({ title, summary, sections, metrics, settings }: Report): string {
  const body = sections.map(
    (s) =>
      `<h2>${escapeHtml(s.title)}</h2><p class="note">${escapeHtml(s.text)}</p><figure>${s.figure}</figure>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(title)}</h1><p class="note">${escapeHtml(summary)}</p>
${body.join('\n')}
<h2>How good they are</h2><p class="note">${escapeHtml(metrics.note)}</p>${table(metrics.head, metrics.rows)}
<h2>Settings</h2>${table(['setting', 'value'], Object.entries(settings))}
</body></html>
`;
}
