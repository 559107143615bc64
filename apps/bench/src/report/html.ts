/** Pieces of HTML. Everything that is not markup goes through `escapeHtml`. */

export function escapeHtml(text: string | number): string {
  return String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** A cell: its text, and possibly a class and a hint. */
export interface HtmlCell {
  readonly text: string | number;
  readonly kind?: string;
  readonly hint?: string;
}

type CellOrText = HtmlCell | string | number;

function cell(tag: 'th' | 'td', given: CellOrText): string {
  const { text, kind, hint } =
    typeof given === 'object' ? given : { text: given, kind: undefined, hint: undefined };
  const attributes = `${kind ? ` class="${kind}"` : ''}${hint ? ` title="${escapeHtml(hint)}"` : ''}`;
  return `<${tag}${attributes}>${escapeHtml(text)}</${tag}>`;
}

export function table(head: readonly CellOrText[], rows: readonly (readonly CellOrText[])[]): string {
  const line = (tag: 'th' | 'td', cells: readonly CellOrText[]): string =>
    `<tr>${cells.map((given) => cell(tag, given)).join('')}</tr>`;
  return `<div class="wide"><table><thead>${line('th', head)}</thead><tbody>${rows.map((r) => line('td', r)).join('')}</tbody></table></div>`;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --line: #ddd; --soft: #666; --good: #1a7f37; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #161616; --line: #333; --soft: #999; --good: #4cc26a; --bad: #ff7b6b; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1180px; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; } p, li { max-width: 48rem; } p.note { color: var(--soft); }
figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; overflow: visible; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; } th, td { padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); text-align: left; font-variant-numeric: tabular-nums; white-space: nowrap; }
.pass { color: var(--good); } .miss, .wrong, .error { color: var(--bad); font-weight: 600; } .open, .cannot { color: var(--soft); }
`;

/** A page that needs nothing else. */
export function page(title: string, body: readonly string[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(title)}</h1>
${body.join('\n')}
</body></html>
`;
}
