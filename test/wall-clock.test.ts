// This machine's clock may be an hour off, or jump: whatever decides what is listed, due, held or waited for goes by the
// API's clock, the database's, or one that only ever goes forward. Held by what the sources read.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const wallClock = /\bDate\.now\b|\bnew Date\(\s*\)|(?<!new )\bDate\(\s*\)|process\.hrtime|Temporal\.Now/g;

/** Where the machine's clock is read all the same, how often, and why that does no harm. */
const excused: Record<string, [times: number, why: string]> = {
  'src/embedded/cluster.ts': [1, 'the age of a file, which the same clock stamped'],
  'src/cli/cli.ts': [1, 'what `--from` without `--to` asks for reaches a day beyond it; the API says where now is'],
  'src/cli/commands/doctor.ts': [1, 'held against the API’s and the database’s, to say how far it is off'],
  'src/worker/schedule.ts': [1, 'cron is about this clock, and watches it for jumps'],
};

/** The API itself, simulated, and those who start it. */
const simulated = /^src\/(simulator\/|cli\/commands\/(demo|simulate)\.ts$)/;

const reads = (path: string) => readFileSync(join(root, path), 'utf8').match(wallClock)?.length ?? 0;

test('the sources go by other clocks than this machine’s', () => {
  const found = globSync('src/**/*.ts', { cwd: root })
    .filter((path) => !simulated.test(path))
    .flatMap((path) => (reads(path) > (excused[path]?.[0] ?? 0) ? [path] : []));
  expect(found).toEqual([]);
});

test('what is found is what is looked for', () => {
  for (const text of ['Date.now()', 'new Date()', 'const now = Date.now;', 'Date()'])
    expect(text.match(wallClock)).toHaveLength(1);
  for (const text of ['new Date(seconds * 1000)', 'Date.parse(text)', 'performance.now()'])
    expect(text.match(wallClock)).toBe(null);
});
