// Rows in, text out: the table for a terminal, and the same in Markdown. Numbers as people read them: two or three digits
// that count, the extremes of all rounds beside the median.

import type { Figure, Row } from './row.ts';
import type { Bar, Summary } from './statistics.ts';

const heads = ['measure', 'value', 'against', 'ratio', 'bar', 'met'];

/** The table for a terminal. */
export function asText(rows: readonly Row[]): string {
  const cells = [heads, ...rows.map(cellsOf)];
  const widths = heads.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The table for docs/performance.md. */
export function asMarkdown(rows: readonly Row[]): string {
  const lines = [heads, heads.map(() => '---'), ...rows.map(cellsOf)];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function cellsOf({ what, value, against, ratio, bar, met }: Row): string[] {
  return [
    what,
    sayFigure(value),
    against === null ? '' : `${against.name}: ${sayFigure(against)}`,
    ratio === null ? '' : saySpread(ratio),
    bar === null ? '' : sayBar(bar),
    met === null ? '' : met ? 'yes' : 'no',
  ];
}

function sayFigure(figure: Figure): string {
  return `${saySpread(figure)} ${figure.unit}`;
}

/** The median, and in brackets the extremes where rounds differ. */
function saySpread({ median, least, most }: Summary): string {
  const [said, low, high] = [median, least, most].map(sayNumber);
  return low === high ? `${said}` : `${said} (${low} to ${high})`;
}

function sayBar({ is, at }: Bar): string {
  return `${is === 'least' ? '≥' : '≤'} ${sayNumber(at)}`;
}

/** Three digits that count, or all before the point. */
export function sayNumber(value: number): string {
  const decimals = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return Number(value.toFixed(decimals)).toLocaleString('en-US', { maximumFractionDigits: decimals });
}
