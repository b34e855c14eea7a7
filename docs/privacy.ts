// The table of columns in docs/privacy.md, written from the descriptors in src/sync/tables.ts: `npm run docs`. A test fails when
// the two differ.

import { readFileSync, writeFileSync } from 'node:fs';
import { type Column, tablesOf } from '../src/sync/tables.ts';

const page = new URL('privacy.md', import.meta.url);
const begin = '<!-- The table is written by `npm run docs` from src/sync/tables.ts. -->\n\n';
const end = '\n<!-- Here it ends. -->';

/** The page with the table as it should be. */
export function privacyPage(): string {
  const text = readFileSync(page, 'utf8');
  const [before = '', rest = ''] = text.split(begin);
  return before + begin + columnsTable() + end + rest.slice(rest.indexOf(end) + end.length);
}

function columnsTable(): string {
  const rows = Object.values(tablesOf)
    .flat()
    .map(({ name, columns }) => {
      const personal = Object.entries(columns).filter(([, { personal }]) => personal !== undefined);
      const others = Object.keys(columns).filter((column) => columns[column]?.personal === undefined);
      const kinds = Map.groupBy(personal, ([, { personal }]: [string, Column]) => personal);
      const listed = [...kinds].map(([kind, all]) => `${codes(all.map(([column]) => column))} (${kind})`);
      return `| \`${name}\` | ${listed.join('; ')} | ${codes(others)} |\n`;
    });
  return `| table | personal data | the rest |\n|---|---|---|\n${rows.join('')}`;
}

const codes = (names: string[]) => names.map((name) => `\`${name}\``).join(', ');

if (import.meta.main) writeFileSync(page, privacyPage());
