// Lines about the work: how they look, and how rarely a repeated request is worth one.

import { expect, test } from 'vitest';
import { createCounts } from '../../src/sync/context.ts';
import { Unavailable } from '../../src/twilio/errors.ts';
import { createLog } from '../../src/worker/log.ts';
import { createRetryLog, logPass, logWindow } from '../../src/worker/record.ts';

function openLog(level: 'info' | 'debug' = 'info') {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => {
    const { time: _, ...rest } = JSON.parse(line) as Record<string, unknown>;
    lines.push(rest);
  };
  return { lines, log: createLog({ level, destination: { write } }) };
}

test('a window and a pass are a line each', () => {
  const { lines, log } = openLog();
  logWindow(log, { sweep: 'new', from: 1_800_000_000, to: 1_800_000_600, listed: 7, changed: 2, ms: 31 });
  logPass(log, { ...createCounts(), listed: 7, changed: 2 }, 40.4);
  logPass(log, { ...createCounts(), incomplete: ['backfill: a page is missing'] }, 1);
  expect(lines).toMatchObject([
    {
      level: 'info',
      msg: 'window',
      sweep: 'new',
      from: '2027-01-15T08:00:00Z',
      to: '2027-01-15T08:10:00Z',
      listed: 7,
      changed: 2,
      ms: 31,
    },
    { level: 'info', msg: 'pass', listed: 7, changed: 2, ms: 40 },
    { level: 'warn', msg: 'pass incomplete', incomplete: ['backfill: a page is missing'] },
  ]);
});

test('a repeated request is a warning at its third time only, once for all that are repeated at the same time', () => {
  const { lines, log } = openLog();
  let now = 0;
  const say = createRetryLog(log, () => now);
  const retry = (attempt: number) =>
    say({ endpoint: 'detail', attempt, afterMs: 800, why: 'passing', error: new Unavailable('GET x', 503, attempt) });
  for (const attempt of [1, 2]) retry(attempt);
  expect(lines).toEqual([]);
  for (const attempt of [3, 4, 5]) retry(attempt);
  expect(lines).toMatchObject([{ level: 'warn', msg: 'request repeated', attempt: 3, endpoint: 'detail', alike: 0 }]);
  for (let request = 0; request < 500; request += 1) for (const attempt of [1, 2, 3, 4]) retry(attempt);
  expect(lines).toHaveLength(1);
  now = 30_000;
  retry(3);
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatchObject({ alike: 500 });
});
