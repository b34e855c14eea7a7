// Each bug to plant still finds its place in the sources: what is moved there is moved in the list too.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bugs } from './bugs.ts';

test.each(bugs.map((bug) => [bug.name, bug] as const))('%s', (_name, { file, find }) => {
  const text = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
  expect(text.split(find)).toHaveLength(2);
});
