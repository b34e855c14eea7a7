// What README.md says that can be held against the code without a database.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { settings } from '../src/settings.ts';
import { blocks, codes, readme, table, titles } from './readme.ts';

const root = new URL('../', import.meta.url);
const manifest: { scripts: Record<string, string> } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));

test('settings: the same names in the same order, with the same defaults, and the same are secrets', () => {
  const documented = table('Settings').map(([name = '', , fallback = '']) => ({
    name: codes(name)[0],
    fallback: codes(fallback)[0],
    secret: name.endsWith('*'),
  }));
  const real = Array.from(settings, ([name, row]) => ({
    name,
    // The folder of the embedded Postgres is no value of the setting.
    fallback: name === 'DATABASE_URL' ? './data/postgres' : row.default,
    secret: row.secret === true,
  }));
  expect(documented).toEqual(real);
});

describe('what is pointed to is there', () => {
  test('headings', () => {
    const anchors = titles.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    const links = Array.from(readme.matchAll(/\]\(#([^)]+)\)/g), ([, anchor]) => anchor);
    expect(links.length).toBeGreaterThan(1);
    for (const link of links) expect(anchors).toContain(link);
  });

  test('npm scripts', () => {
    const named = Array.from(readme.matchAll(/npm run (?:--silent )?([a-z]+)/g), ([, name = '']) => name);
    for (const name of named) expect(Object.keys(manifest.scripts)).toContain(name);
  });

  test('files', () => {
    const named = codes(readme).filter((code) => /^(src|test|migrations)\/[\w./-]*$/.test(code));
    for (const path of named) expect(existsSync(new URL(path, root)), path).toBe(true);
  });
});

test('every block says what it is', () => {
  expect(blocks(readme, '')).toEqual([]);
});
