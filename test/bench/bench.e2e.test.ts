// The benchmark in its smallest numbers: that its processes, rivals and counters work together. Nothing is said of time.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const folder = new URL('../../', import.meta.url).pathname;

test('measures history beside its rivals, and what a tick costs', async () => {
  const { stdout } = await promisify(execFile)(
    'npm',
    ['run', '--silent', 'bench', '--', '--quick', 'history', 'tick'],
    {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '' },
    },
  );
  const [heads = '', ...rows] = stdout.trimEnd().split('\n');
  expect(heads).toMatch(/^measure +value +against +ratio +bar +met$/);
  expect(rows.filter((row) => /conversations\/s/.test(row))).toHaveLength(4);
  expect(rows.find((row) => /tick.*pages of new and open ones/.test(row))).toMatch(/ 13 requests .* 13 requests /);
});
