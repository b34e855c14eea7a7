// What the documents point to is there: files, headings, pictures, npm scripts, functions.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { privacyPage } from '../docs/privacy.ts';
import { settingsPage } from '../docs/settings.ts';
import { blocks, codes, documentOf, documents, root } from './readme.ts';

const manifest: { scripts: Record<string, string> } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
const all = new Map(documents.map((path) => [path, documentOf(path)]));

/** A heading's anchor, as GitHub makes it. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}

/** What stands in a fence is no link. */
const proseOf = (text: string) => text.replace(/^```.*?^```$/gms, '');

/** Where links and pictures of this repository lead, relative to the document. */
function targetsOf(text: string): string[] {
  const prose = proseOf(text);
  return [
    ...Array.from(prose.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g), ([, target = '']) => target),
    ...Array.from(prose.matchAll(/<img[^>]* src="(?!https?:)([^"]+)"/g), ([, target = '']) => target),
  ];
}

test('the documents are found', () => {
  for (const path of ['README.md', 'docs/bi.md', 'dbt/README.md']) expect(documents).toContain(path);
});

describe.each(documents)('%s', (path) => {
  const { text } = documentOf(path);
  const prose = proseOf(text);

  test('links lead to files and headings that are there', () => {
    const broken = targetsOf(text).filter((target) => {
      const [file = '', anchor] = target.split('#');
      const to = file === '' ? path : join(dirname(path), file);
      if (!existsSync(new URL(to, root))) return true;
      return anchor !== undefined && !all.get(to)?.titles.map(anchorOf).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('npm scripts are those of package.json', () => {
    const named = Array.from(text.matchAll(/npm run (?:--silent )?([a-z][a-z:]*)/g), ([, name = '']) => name);
    expect(named.filter((name) => !(name in manifest.scripts))).toEqual([]);
  });

  test('files that it names are there', () => {
    const named = codes(prose).filter((code) => /^(src|test|migrations|bench|deploy|docs|dbt)\/[\w./-]*$/.test(code));
    expect(named.filter((file) => !existsSync(new URL(file, root)))).toEqual([]);
  });

  test('every block says what it is', () => {
    expect(blocks(text, '')).toEqual([]);
  });
});

test('the columns in docs/privacy.md are those of the descriptors: `npm run docs` writes them', () => {
  expect(readFileSync(new URL('docs/privacy.md', root), 'utf8')).toBe(privacyPage());
});

test('docs/settings.md is what the option table gives: `npm run docs` writes it', () => {
  expect(readFileSync(new URL('docs/settings.md', root), 'utf8')).toBe(settingsPage());
});

test('the package holds what its documents lead to, and no snapshots of migrations', () => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: fileURLToPath(root),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [packed]: { files: { path: string }[] }[] = JSON.parse(output);
  const held = new Set(packed?.files.map(({ path }) => path));
  const missing = [...all]
    .filter(([path]) => held.has(path))
    .flatMap(([path, { text }]) =>
      targetsOf(text)
        .filter((target) => !target.startsWith('#'))
        .map((target) => join(dirname(path), target.replace(/#.*/, ''))),
    )
    .filter((file) => !held.has(file));
  expect(held).toContain('docs/settings.md');
  expect([...new Set(missing)]).toEqual([]);
  expect([...held].filter((path) => path.endsWith('_snapshot.json'))).toEqual([]);
});

test('the map of the source has every file and folder directly in src', () => {
  const mapped = documentOf('docs/development.md')
    .table('Map of the source')
    .flatMap(([where = '']) => codes(where));
  const real = readdirSync(new URL('src/', root), { withFileTypes: true }).map((each) =>
    each.isDirectory() ? `src/${each.name}/` : `src/${each.name}`,
  );
  expect(mapped.filter((path) => path.startsWith('src/')).sort()).toEqual(real.sort());
});

test('the walk from cron tick to row names functions of the files beside them', () => {
  const steps = documentOf('docs/development.md').table('From cron tick to row');
  expect(steps.length).toBeGreaterThan(10);
  for (const [, functions = '', files = ''] of steps) {
    const sources = codes(files).map((path) => readFileSync(new URL(path, root), 'utf8'));
    for (const name of codes(functions)) {
      const declared = new RegExp(`function\\*? ${name}\\b`);
      expect(
        sources.some((source) => declared.test(source)),
        name,
      ).toBe(true);
    }
  }
});

test('every reason for which an operator result is due is explained', () => {
  const explained = documentOf('docs/how-it-works.md')
    .table('Operator results')
    .flatMap(([reason = '']) => codes(reason));
  const model = readFileSync(new URL('src/sync/result-model.ts', root), 'utf8');
  const [, union = ''] = /reason: ('linked'[^;]+);/.exec(model) ?? [];
  // What is gone is not requested, so the program has no name for it.
  expect(explained.sort()).toEqual([...Array.from(union.matchAll(/'(\w+)'/g), ([, name]) => name), 'gone'].sort());
});

test('every reason for which a detail is due is explained', () => {
  const explained = documentOf('docs/how-it-works.md')
    .table('Due details')
    .flatMap(([reason = '']) => codes(reason));
  const model = readFileSync(new URL('src/sync/model.ts', root), 'utf8');
  const [, union = ''] = /type DueReason =([^;]+);/.exec(model) ?? [];
  // A row that only counts is nobody's to fetch, so the program has no name for it.
  expect(explained.sort()).toEqual([...Array.from(union.matchAll(/'(\w+)'/g), ([, name]) => name), 'large'].sort());
});
