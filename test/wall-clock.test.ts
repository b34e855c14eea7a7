// The machine's clock may jump, or be wrong by an hour: nothing that decides what is listed, fetched or stored asks it.
// Windows go by the API's clock, the lease and stamps by the database's, waits by one that only goes forward.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const folders = ['sync', 'store', 'api', 'lib', 'ops'];
/** Tells left-over files of the embedded server by their age. */
const harmless = 'store/cluster.ts';

test('nothing that decides anything reads the wall clock', () => {
  const readers = folders.flatMap((folder) => {
    const names = readdirSync(new URL(`../src/${folder}/`, import.meta.url)).filter((name) => name.endsWith('.ts'));
    return names
      .filter((name) =>
        /Date\.now|new Date\(\)|Date\(\)/.test(
          readFileSync(new URL(`../src/${folder}/${name}`, import.meta.url), 'utf8'),
        ),
      )
      .map((name) => `${folder}/${name}`);
  });
  expect(readers.filter((file) => file !== harmless)).toEqual([]);
});
