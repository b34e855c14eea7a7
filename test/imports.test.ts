// Who may know whom, by the imports of the sources: the rules in docs/development.md. Also the sizes of files
// and the names that say nothing.

import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const source = (path: string) => readFileSync(join(root, path), 'utf8');
const inSrc = globSync('src/**/*.ts', { cwd: root });
const inTest = globSync('test/**/*.ts', { cwd: root });
const inBench = globSync('bench/**/*.ts', { cwd: root });

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

/** Imports and re-exports; `import { type A, type B }` counts as types only, as the compiler erases it. */
function importsOf(path: string): Import[] {
  const text = source(path);
  const statements = text.matchAll(/^(?:import|export)\s(?:([^'";]*?)\sfrom\s)?'([^']+)'/gm);
  const dynamic = text.matchAll(/\bimport\(()'([^']+)'\)/g);
  return [...statements, ...dynamic].map(([, what = '', to = '']) => ({
    from: path,
    to: to.startsWith('.') ? normalize(join(dirname(path), to)) : to,
    typeOnly: /^type\s/.test(what) || /^\{(\s*type [^,}]+,?)+\s*\}$/.test(what),
  }));
}

const imports = inSrc.flatMap(importsOf);
const describe = ({ from, to }: Import) => `${from} → ${to}`;
const within =
  (...folders: string[]) =>
  (path: string) =>
    folders.some((folder) => path.startsWith(`src/${folder}`));

const wrong: Record<string, (found: Import) => boolean> = {
  'twilio and postgres never import each other': ({ from, to }) =>
    (within('twilio/')(from) && within('postgres/')(to)) || (within('postgres/')(from) && within('twilio/')(to)),
  'twilio and sync know no SQL, postgres and sync no HTTP': ({ from, to }) =>
    (within('twilio/', 'sync/')(from) && /^(pg|drizzle-orm)(\/|$)/.test(to)) ||
    (within('postgres/', 'sync/')(from) && /^(undici|fastify|(node:)?(http|https|net))(\/|$)/.test(to)),
  'sync knows twilio by its types only, no other room but lib, and no timers': ({ from, to, typeOnly }) =>
    within('sync/')(from) &&
    ((within('')(to) && !within('sync/', 'lib/', 'twilio/')(to)) ||
      /^(node-cron|node:timers.*)$/.test(to) ||
      (within('twilio/')(to) && !typeOnly)),
  'the descriptors of the tables are data, and import nothing': ({ from }) => from === 'src/sync/tables.ts',
  'lib imports nothing of ours': ({ from, to }) => within('lib/')(from) && within('')(to) && !within('lib/')(to),
  'the simulator shares wire types with twilio, and knows nothing else of ours but lib': ({ from, to, typeOnly }) =>
    within('simulator/')(from) &&
    within('')(to) &&
    !within('simulator/', 'lib/')(to) &&
    !(to === 'src/twilio/wire.ts' && typeOnly),
};

test.each(Object.keys(wrong))('%s', (rule) => {
  expect(imports.filter((found) => wrong[rule]?.(found)).map(describe)).toEqual([]);
});

test('no files import each other in a circle, types included', () => {
  const importedBy = Map.groupBy(imports, ({ from }) => from);
  const inCircle = new Set<string>();
  /** Follows the imports of a file, to see whether they come back to it. */
  const reaches = (goal: string, from: string, seen: Set<string>): boolean =>
    (importedBy.get(from) ?? []).some(({ to }) => {
      if (to === goal) return true;
      if (seen.has(to)) return false;
      seen.add(to);
      return reaches(goal, to, seen);
    });
  for (const path of inSrc) if (reaches(path, path, new Set())) inCircle.add(path);
  expect([...inCircle]).toEqual([]);
});

test('sync has no timers of its own', () => {
  expect(inSrc.filter((path) => within('sync/')(path) && /\bset(Timeout|Interval)\(/.test(source(path)))).toEqual([]);
});

test('no file passes its limit', () => {
  const long = (paths: string[], limit: number) =>
    paths.filter((path) => source(path).trimEnd().split('\n').length > limit);
  expect([...long([...inSrc, ...inBench], 300), ...long(inTest, 600)]).toEqual([]);
});

test('every file says at its beginning what it is', () => {
  expect([...inSrc, ...inBench].filter((path) => !/^(#!.*\n)?\/\/ .+\n/.test(source(path)))).toEqual([]);
});

test('no file is named for nothing, or is a barrel', () => {
  const empty = /(^|\/)(utils?|helpers?|types?|services?|common|misc|index|conversation-sync)(\.|\/)/;
  const barrel = (path: string) =>
    importsOf(path).length > 0 &&
    source(path)
      .replace(/^(export\s[^'";]*from\s'[^']+';|\/\/.*)$/gm, '')
      .trim() === '';
  expect([...inSrc, ...inTest, ...inBench].filter((path) => empty.test(relative('.', path)) || barrel(path))).toEqual(
    [],
  );
});
